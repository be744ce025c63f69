import { execFile } from 'node:child_process';
import { chownSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { isRoot } from './scenario.ts';
import { scenarios } from './scenarios.ts';

/** An ordinary user of no name. Its programs must reach the repository, wherever that is. */
const ordinaryUid = 64_999;
const repository = path.resolve(import.meta.dirname, '../../..');

test.each(isRoot ? [] : ['isolation.test.ts'])('who is not root is tested in %s', () => {
  expect(process.geteuid?.()).toBeGreaterThan(0);
});

/** What root is held to, by a user that root becomes. */
describe.each(isRoot ? ['an ordinary user'] : [])('local sandboxes, made by %s', () => {
  const results = new Map<string, { problem?: string }>();
  let failure = '';

  beforeAll(async () => {
    const directory = mkdtempSync(path.join(os.tmpdir(), 'gantry-local-'));
    chownSync(directory, ordinaryUid, ordinaryUid);
    // The repository may lie below a closed directory, such as root's home.
    const script = `mount --rbind "$1" /mnt && cd / && shift && exec setpriv --reuid ${ordinaryUid} --regid ${ordinaryUid} --clear-groups "$@"`;
    const moved = (file: string): string => path.join('/mnt', path.relative(repository, file));
    const node = process.execPath.startsWith(repository)
      ? moved(process.execPath)
      : process.execPath;
    const runner = moved(path.join(import.meta.dirname, 'run-scenarios.ts'));
    const { stdout, problem } = await new Promise<{ stdout: string; problem: string }>(
      (resolve) => {
        execFile(
          'unshare',
          ['--mount', 'sh', '-c', script, 'sh', repository, node, runner, directory],
          { env: { PATH: '/usr/bin:/bin' }, maxBuffer: 16 << 20 },
          (error, out, err) =>
            resolve({ stdout: out, problem: error ? `${error.message} ${err}` : '' }),
        );
      },
    );
    rmSync(directory, { recursive: true, force: true });
    failure = problem;
    for (const line of stdout.split('\n').filter(Boolean)) {
      const { name, ...rest } = JSON.parse(line) as { name: string; problem?: string };
      results.set(name, rest);
    }
  }, 3_600_000);

  test.each(scenarios)('$name', ({ name }) => {
    const result = results.get(name);
    expect(result, failure || 'it was not run').toBeDefined();
    expect(result?.problem).toBeUndefined();
  });
});
