import { createHash } from 'node:crypto';
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { root, runCommand } from './repository.ts';

const folder = path.join(root, 'apps', 'demo');
const stamp = path.join(folder, 'client', 'dist', '.built');

/** Builds the demo's client where its sources changed since the last time; ends the process when that fails. */
export async function buildDemoClient(): Promise<void> {
  const digest = sourcesDigest();
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === digest) return;
  process.stdout.write('building the client\n');
  const { code, output } = await runCommand('vite', ['build', '--logLevel', 'warn'], {
    cwd: folder,
    environment: { PATH: `${path.join(folder, 'node_modules', '.bin')}:${process.env['PATH']}` },
  });
  if (code !== 0) {
    process.stderr.write(`${output}The client could not be built.\n`);
    process.exit(code);
  }
  writeFileSync(stamp, digest);
}

function sourcesDigest(): string {
  const hash = createHash('sha256');
  const files = globSync(
    ['client/index.html', 'client/src/**/*', 'src/protocol/**/*.ts', '*.{ts,json}'],
    {
      cwd: folder,
      withFileTypes: true,
    },
  )
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
    .concat(path.join(root, 'pnpm-lock.yaml'))
    .toSorted();
  for (const file of files)
    hash.update(`\0${path.relative(root, file)}\0`).update(readFileSync(file));
  return hash.digest('hex');
}
