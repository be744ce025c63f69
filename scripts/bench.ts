import { existsSync, globSync } from 'node:fs';
import path from 'node:path';
import { requireBuild } from './built.ts';
import { root, runCommand } from './repository.ts';

const [name = '', ...parameters] = process.argv.slice(2);
await requireBuild();
const program = path.join(root, 'bench', 'dist', `${name}.js`);
if (!/^[a-z0-9-]+$/.test(name) || !existsSync(program)) {
  const known = globSync('bench/dist/*.js', { cwd: root }).map((file) =>
    path.basename(file, '.js'),
  );
  process.stderr.write(`Usage: npm run bench -- NAME, where NAME is one of: ${known.join(', ')}\n`);
  process.exitCode = 64;
} else {
  process.exitCode = (
    await runCommand(process.execPath, [program, ...parameters], { show: true })
  ).code;
}
