import { execFile } from 'node:child_process';
import { chownSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { isRoot } from './scenario.ts';
import { scenarios } from './scenarios.ts';

/** Ordinary users of no name, who share the work: what one may have is not taken by the other. */
const ordinaryUids = [64_998, 64_999];
const repository = path.resolve(import.meta.dirname, '../../..');

test.each(isRoot ? [] : ['isolation.test.ts'])('who is not root is tested in %s', () => {
  expect(process.geteuid?.()).toBeGreaterThan(0);
});

/** What root is held to, by a user that root becomes. */
describe.each(isRoot ? ['an ordinary user'] : [])('local sandboxes, made by %s', () => {
  const results = new Map<string, { problem?: string }>();
  let failure = '';

  beforeAll(async () => {
    const runs = await Promise.all(ordinaryUids.map((uid, share) => runShare(uid, share)));
    failure = runs.map(({ problem }) => problem).join('');
    for (const line of runs.flatMap(({ stdout }) => stdout.split('\n')).filter(Boolean)) {
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

/** Runs one user's share of the scenarios. */
async function runShare(uid: number, share: number): Promise<{ stdout: string; problem: string }> {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'gantry-local-'));
  chownSync(directory, uid, uid);
  // The repository may lie below a closed directory, such as root's home.
  const script = `mount --rbind "$1" /mnt && cd / && shift && exec setpriv --reuid ${uid} --regid ${uid} --clear-groups "$@"`;
  const moved = (file: string): string => path.join('/mnt', path.relative(repository, file));
  const node = process.execPath.startsWith(repository) ? moved(process.execPath) : process.execPath;
  const runner = moved(path.join(import.meta.dirname, 'run-scenarios.ts'));
  const command = [node, runner, directory, `${share}/${ordinaryUids.length}`];
  try {
    return await new Promise((resolve) => {
      execFile(
        'unshare',
        ['--mount', 'sh', '-c', script, 'sh', repository, ...command],
        { env: { PATH: '/usr/bin:/bin' }, maxBuffer: 16 << 20 },
        (error, stdout, stderr) =>
          resolve({ stdout, problem: error ? `${error.message} ${stderr}` : '' }),
      );
    });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
