import type { Sandbox } from '@gantry/core';
import { must, type Check } from '../../check.ts';
import type { CheckContext } from '../../runner/check-context.ts';
import { variableOf } from '../variable-of.ts';
import { undeclared } from './undeclared.ts';

const needs = { capability: 'fork' } as const;

async function forked(t: CheckContext, sandbox: Sandbox, count: number): Promise<Sandbox[]> {
  const results = await sandbox.fork(count);
  t.equal(results.length, count, 'results');
  return results.map((result, index) => {
    if (result.status === 'rejected')
      return t.fail(`fork ${index} was rejected: ${String(result.reason)}`);
    t.adopt(result.value.ref);
    return result.value;
  });
}

export const forkChecks: readonly Check[] = [
  undeclared('fork', 'fork', (sandbox) => sandbox.fork(1)),
  must(
    'fork/own-state',
    'fork-own-state',
    'forks have the source’s files, and none sees another’s changes',
    async (t) => {
      const sandbox = await t.create({
        manifest: { spec: 'gantry-manifest/1', env: { FORKED: 'yes' } },
      });
      await sandbox.files.write('common', 'common', { mode: 0o700 });
      const forks = await forked(t, sandbox, Math.min(3, t.capabilities.fork?.maxPerCall ?? 1));
      const ids = [sandbox, ...forks].map(({ ref }) => ref.id);
      t.equal(new Set(ids).size, ids.length, 'different ids');
      for (const [index, fork] of forks.entries()) {
        t.equal(
          [await fork.files.readText('common'), (await fork.files.stat('common')).mode],
          ['common', 0o700],
          'the source’s file',
        );
        t.equal((await fork.exec(variableOf('FORKED'))).stdout.text, 'yes\n', 'the environment');
        await fork.files.write('common', `changed by ${index}`);
      }
      t.equal(await sandbox.files.readText('common'), 'common', 'the source afterwards');
      for (const [index, fork] of forks.entries())
        t.equal(await fork.files.readText('common'), `changed by ${index}`, 'each fork afterwards');
      await sandbox.destroy();
      for (const fork of forks)
        t.equal(
          (await fork.exec('echo on')).stdout.text,
          'on\n',
          'a fork after its source was destroyed',
        );
    },
    { needs },
  ),
  must(
    'fork/randomness',
    'fork-identity',
    'forks do not draw the same random numbers',
    async (t) => {
      const sandbox = await t.create();
      const forks = await forked(t, sandbox, Math.min(3, t.capabilities.fork?.maxPerCall ?? 1));
      const draws = await Promise.all(
        [sandbox, ...forks].map(
          async (each) => (await each.exec('head -c 16 /dev/urandom | od -An -tx1')).stdout.text,
        ),
      );
      t.equal(new Set(draws).size, draws.length, 'different draws');
      const uuids = await Promise.all(
        [sandbox, ...forks].map(
          async (each) => (await each.exec('cat /proc/sys/kernel/random/uuid')).stdout.text,
        ),
      );
      t.equal(new Set(uuids).size, uuids.length, 'different identifiers');
    },
    { needs },
  ),
  must(
    'fork/counts',
    'fork-own-state',
    'more forks than allowed, and none, are refused',
    async (t) => {
      const { provider, counts } = t.counted();
      const sandbox = await t.create({}, provider);
      counts.reset();
      const most = t.capabilities.fork?.maxPerCall ?? 0;
      for (const count of [0, -1, 1.5, most + 1]) {
        await t.rejects('invalid-argument', () => sandbox.fork(count), `fork(${count})`);
      }
      t.equal(counts.total(), 0, 'calls of the driver');
      const [one] = await forked(t, sandbox, 1);
      t.equal((await one?.exec('echo on'))?.stdout.text, 'on\n', 'a fork');
    },
    { needs },
  ),
];
