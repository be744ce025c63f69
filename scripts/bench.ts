import { existsSync, globSync } from 'node:fs';
import path from 'node:path';
import { requireBuild } from './built.ts';
import { root, runCommand } from './repository.ts';
import { withDocker } from './with-docker.ts';

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
  process.exitCode = await withDaemon(name, async (environment) => {
    const { code } = await runCommand(process.execPath, [program, ...parameters], {
      show: true,
      environment,
    });
    return code;
  });
}

/** Runs a benchmark of docker on a private daemon, unless `BENCH_DOCKER_SOCKET` names one. */
function withDaemon(
  benchmark: string,
  work: (environment: Readonly<Record<string, string>>) => Promise<number>,
): Promise<number> {
  if (benchmark !== 'docker' || process.env['BENCH_DOCKER_SOCKET']) return work({});
  return withDocker((host) => work({ BENCH_DOCKER_SOCKET: host.replace('unix://', '') }));
}
