import { cpSync } from 'node:fs';
import path from 'node:path';
import { expect, test, vi } from 'vitest';
import { defineProvider, SandboxError } from '../../src/driver.ts';
import type {
  BranchResult,
  FanOutOptions,
  FanOutProgress,
  Run,
  RunFunction,
} from '../../src/harness.ts';
import type { Provider } from '../../src/index.ts';
import { sharedHostDriver } from './shared-host-driver.ts';
import { eventsOf, workshop } from './workshop.ts';

/** Sandboxes that can be forked while they live; counts the forks. */
function forking(root: string, refuse = false): { provider: Provider; forks: () => number } {
  const driver = sharedHostDriver(root);
  let forks = 0;
  const provider = defineProvider({
    ...driver,
    fork: {
      ...{ maxPerCall: 1, from: 'live' },
      fork: (handle, requests, call) =>
        Promise.allSettled(
          requests.map(async (request) => {
            forks += 1;
            if (refuse)
              throw new SandboxError('unavailable', 'the fork is lost', { retryable: true });
            const clone = await driver.create(request, call);
            cpSync(path.join(root, handle.ref.id), path.join(root, clone.ref.id), {
              recursive: true,
            });
            return clone;
          }),
        ),
    },
  });
  return { provider, forks: () => forks };
}

const items: readonly number[] = [0, 1, 2, 3, 4, 5];

function branches(
  options: FanOutOptions<number> = {},
  beside: (run: Run) => Promise<unknown> = () => Promise.resolve(),
): RunFunction<readonly unknown[]> {
  return async (run) => {
    await run.step('prepare', () => run.sandbox.files.write('base.txt', 'base'));
    const [results] = await Promise.all([
      run.fanOut(
        'variants',
        items,
        (branch, item) =>
          branch.step('look', async () => {
            await branch.sandbox.files.write('own.txt', String(item));
            return (await branch.sandbox.files.list('.')).map(({ name }) => name);
          }),
        { from: 'workspace', ...options },
      ),
      beside(run),
    ]);
    return results.map((result: BranchResult<unknown>) =>
      result.status === 'fulfilled' ? result.value : result.reason.message,
    );
  };
}

// Proves: harness-fork-way
test('branches of the workspace are forks where the provider has them, and the record says so', async () => {
  const base = workshop();
  const { provider, forks } = forking(base.root);
  const harness = base.again({ providers: { shared: provider } });
  const outcome = await harness.run('job', { id: 'job-1' }, branches());
  expect(outcome).toMatchObject({ value: items.map(() => ['base.txt', 'own.txt']) });
  expect(forks()).toBe(items.length);
  const made = (await eventsOf(harness, 'job-1')).filter(({ type }) => type === 'sandbox.created');
  expect(made.filter(({ facts }) => facts?.['by'] === 'fork')).toHaveLength(items.length);
  expect(base.sandboxes()).toEqual([]);
});

test('a fork that fails, or a workspace that moves on meanwhile, leads to the snapshot', async () => {
  const base = workshop();
  const lost = forking(base.root, true);
  const harness = base.again({ providers: { shared: lost.provider } });
  const outcome = await harness.run('job', { id: 'job-1' }, branches());
  expect(outcome).toMatchObject({ value: items.map(() => ['base.txt', 'own.txt']) });
  const good = forking(base.root);
  const other = base.again({ providers: { shared: good.provider } });
  const begun = Promise.withResolvers<void>();
  const beside = async (run: Run): Promise<unknown> => {
    await begun.promise;
    return run.step('move on', () => run.sandbox.files.write('later.txt', 'x'));
  };
  const onProgress = ({ event }: FanOutProgress): void => {
    if (event === 'fulfilled') begun.resolve();
  };
  const second = await other.run(
    'job',
    { id: 'job-2' },
    branches({ concurrency: 1, onProgress }, beside),
  );
  expect(second).toMatchObject({ value: items.map(() => ['base.txt', 'own.txt']) });
  expect(good.forks()).toBeLessThan(items.length);
  expect(base.sandboxes()).toEqual([]);
});

// Proves: harness-lifetime
test('a sandbox whose lifetime nobody chose is extended while the harness works with it', async () => {
  const base = workshop();
  const ends = new Map<string, number[]>();
  const driver = sharedHostDriver(base.root);
  const provider = defineProvider({
    ...driver,
    lifetime: {
      async extend({ ref }, expiresAt) {
        ends.set(ref.id, [...(ends.get(ref.id) ?? []), expiresAt]);
        return expiresAt;
      },
    },
  });
  const harness = base.again({ providers: { shared: provider }, claimMs: 300, lifetimeMs: 1_000 });
  const ids: { extended?: string; chosen?: string } = {};
  const isExtended = (times: number): boolean =>
    ids.extended !== undefined && (ends.get(ids.extended)?.length ?? 0) >= times;
  const patience = { timeout: 60_000 };
  await Promise.all([
    harness.run('job', {}, (run) =>
      run.step('long', async () => {
        ids.extended = (await run.sandbox.ref()).id;
        await vi.waitUntil(() => ids.chosen !== undefined && isExtended(4), patience);
      }),
    ),
    harness.run('job', { sandbox: { maxLifetimeMs: 500 } }, (run) =>
      run.step('short', async () => {
        ids.chosen = (await run.sandbox.ref()).id;
        await vi.waitUntil(() => isExtended(3), patience);
      }),
    ),
  ]);
  expect(ends.has(ids.chosen ?? '')).toBe(false);
});
