import { createHash } from 'node:crypto';
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { root, runCommand, type Finished } from './repository.ts';

const folder = path.join(root, 'apps', 'demo');
const stamp = path.join(folder, 'client', 'dist', '.built');
const vite = path.join(folder, 'node_modules', 'vite', 'bin', 'vite.js');

/** Builds the demo's client where its sources changed since the last time. */
export async function buildDemoClient(): Promise<Finished> {
  const digest = sourcesDigest();
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === digest) return { code: 0, output: '' };
  const finished = await runCommand(process.execPath, [vite, 'build', '--logLevel', 'warn'], {
    cwd: folder,
    // Of whoever starts it: under a test runner it says `test`, and the client would be another one.
    environment: { NODE_ENV: 'production' },
  });
  if (finished.code === 0) writeFileSync(stamp, digest);
  return finished;
}

function sourcesDigest(): string {
  const hash = createHash('sha256');
  const patterns = ['client/index.html', 'client/src/**', 'src/protocol/**', '*.{ts,json}'];
  const files = globSync(patterns, { cwd: folder, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
    .concat(path.join(root, 'pnpm-lock.yaml'))
    .toSorted();
  for (const file of files)
    hash.update(`\0${path.relative(root, file)}\0`).update(readFileSync(file));
  return hash.digest('hex');
}
