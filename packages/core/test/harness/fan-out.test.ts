import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { defineProvider, SandboxError } from '../../src/driver.ts';
import type {
  BranchResult,
  FanOutOptions,
  FanOutProgress,
  Run,
  RunFunction,
} from '../../src/harness.ts';
import type { Provider } from '../../src/index.ts';
import { memoryStore } from '../../src/snapshot.ts';
import { endSandbox, sandboxesOf, sharedHost, sharedHostDriver } from './shared-host-driver.ts';
import { eventsOf, tally, workshop } from './workshop.ts';

const numbers = (count: number): readonly number[] =>
  Array.from({ length: count }, (_, index) => index);

/** Squares a number in the branch's sandbox. */
async function square(
  branch: { readonly sandbox: Run['sandbox']; readonly step: Run['step'] },
  item: number,
): Promise<number> {
  return branch.step('square', async () => {
    const { stdout } = await branch.sandbox.exec(`echo $((${item} * ${item}))`);
    return Number(stdout.text);
  });
}

const values = (results: readonly BranchResult<unknown>[]): readonly unknown[] =>
  results.map((result) => (result.status === 'fulfilled' ? result.value : result.reason.code));

/** A provider that has room for so many sandboxes and says so. */
function small(
  root: string,
  room: number,
  id = 'small',
): { provider: Provider; most: () => number } {
  const driver = sharedHostDriver(root, id);
  let running = 0;
  let most = 0;
  const provider = defineProvider({
    ...driver,
    async create(request, call) {
      if (running >= room) {
        throw new SandboxError('resource-exhausted', `${room} sandboxes is all there is`, {
          outcome: 'not-started',
          retryAfterMs: 5,
        });
      }
      most = Math.max(most, ++running);
      return driver.create(request, call);
    },
    async destroy(ref, call) {
      running -= 1;
      await driver.destroy(ref, call);
    },
  });
  return { provider, most: () => most };
}

describe('fan-out', () => {
  // Proves: harness-fan-out-order
  test('gives one result per item in their order, from sandboxes of their own, and leaves none', async () => {
    const { harness, sandboxes } = workshop();
    let most = 0;
    const onProgress = ({ running }: FanOutProgress): void => {
      most = Math.max(most, running);
    };
    const outcome = await harness.run('job', { id: 'job-1' }, async (run) => {
      const results = await run.fanOut('squares', numbers(12), square, {
        concurrency: 3,
        onProgress,
      });
      return values(results);
    });
    expect(outcome).toMatchObject({ value: numbers(12).map((item) => item * item) });
    expect(most).toBeLessThanOrEqual(3);
    expect(sandboxes()).toEqual([]);
    const counts = tally(await eventsOf(harness, 'job-1'));
    expect(counts).toMatchObject({
      'branch.recorded': 12,
      'sandbox.created': 12,
      'sandbox.destroyed': 12,
    });
  });

  test('branches that were recorded are not run again, whoever goes on', async () => {
    const { harness, again, sandboxes } = workshop();
    const runs: number[] = [];
    let failing = true;
    const work: RunFunction<unknown> = async (run) => {
      const results = await run.fanOut(
        'squares',
        numbers(6),
        async (branch, item) => {
          runs.push(item);
          if (item === 4 && failing) {
            throw new Error('not now');
          }
          return square(branch, item);
        },
        { concurrency: 6, attempts: 1 },
      );
      if (failing) throw new Error('interrupted');
      return values(results);
    };
    await expect(harness.run('job', { id: 'job-1' }, work)).rejects.toThrow('interrupted');
    // The fan-out itself was recorded, with its one failure: going on repeats nothing.
    failing = false;
    await expect(again().run('job', { id: 'job-1' }, work)).resolves.toMatchObject({
      value: [0, 1, 4, 9, 'unknown', 25],
    });
    expect(runs).toHaveLength(6);
    expect(sandboxes()).toEqual([]);
  });

  test('begins with the workspace as it is, and one branch’s workspace can be adopted', async () => {
    const { harness, root } = workshop();
    const outcome = await harness.run(
      'job',
      { id: 'job-1', checkpoint: 'on-demand' },
      async (run) => {
        await run.step('prepare', () => run.sandbox.files.write('base.txt', 'base'));
        const options: FanOutOptions<string> = { from: 'workspace', keep: 'snapshot' };
        const results = await run.fanOut(
          'variants',
          ['a', 'b'],
          async (branch, item) => {
            await branch.step('write', async () => {
              expect(await branch.sandbox.files.readText('base.txt')).toBe('base');
              await branch.sandbox.files.write('variant.txt', item);
            });
          },
          options,
        );
        const [first, second] = results;
        if (!first || !second) throw new Error('two results');
        await run.adopt('take b', second);
        const text = await run.step('read', () => run.sandbox.files.readText('variant.txt'));
        // The workspace has moved on: the other branch does not fit it any more.
        const refused = await run
          .adopt('take a', first)
          .catch((error: unknown) => (error as SandboxError).code);
        return { text, refused };
      },
    );
    expect(outcome).toMatchObject({ value: { text: 'b', refused: 'failed-precondition' } });
    expect(sandboxesOf(root)).toEqual([]);
  });

  // Proves: harness-merge
  test('what branches did is merged into the workspace, wherever they began', async () => {
    const store = memoryStore();
    const { harness, root } = workshop({ store });
    const write = (name: string, text: string) => async (branch: Pick<Run, 'sandbox' | 'step'>) =>
      branch.step('write', () => branch.sandbox.files.write(name, text));
    const work = async (run: Run): Promise<unknown> => {
      const own = await run.fanOut('own', ['a', 'b'], (branch, item) => write(item, item)(branch), {
        ...{ from: 'workspace', keep: 'changes' },
      });
      const outcomes = [];
      for (const branch of own) outcomes.push(await run.merge('take', branch));
      const entries = { given: { type: 'file', text: 'given' } } as const;
      const sandbox = { manifest: { spec: 'gantry-manifest/1', entries } } as const;
      const fresh = await run.fanOut(
        'fresh',
        ['c', 'a'],
        async (branch, item) => {
          await branch.step('look', () => branch.sandbox.files.readText('given'));
          await write(item, 'of a fresh one')(branch);
        },
        { sandbox, keep: 'changes' },
      );
      for (const branch of fresh) outcomes.push(await run.merge('take fresh', branch));
      const files = await run.step('look', async () => {
        return (await run.sandbox.exec('head *')).stdout.text;
      });
      return { outcomes, files };
    };
    const outcome = await harness.run('job', { id: 'job-1' }, work);
    expect(outcome).toMatchObject({
      value: {
        outcomes: [
          { changes: 1, conflicts: [] },
          { changes: 1, conflicts: [] },
          { changes: 1, conflicts: [] },
          // Both made it, and not the same: it stays as it is.
          { changes: 0, conflicts: ['a'] },
        ],
        files: '==> a <==\na\n==> b <==\nb\n==> c <==\nof a fresh one',
      },
    });
    expect(sandboxesOf(root)).toEqual([]);
    await expect(harness.verify('job-1')).resolves.toMatchObject({ verdict: 'unanchored' });
    await expect(
      harness.run('job', { id: 'job-2' }, async (run) => {
        const [branch] = await run.fanOut('fresh', [1], async () => undefined, {
          keep: 'snapshot',
        });
        return branch && run.merge('take', branch);
      }),
    ).rejects.toThrow("keep: 'changes'");
    await harness.erase('job-1');
    await harness.erase('job-2');
    expect(await Array.fromAsync(store.list('snapshots/'))).toEqual([]);
  });

  // Proves: harness-adaptive
  test('adapts to a provider that has less room than it was asked for', async () => {
    const base = workshop();
    const { provider, most } = small(base.root, 2);
    const harness = base.again({ providers: { small: provider } });
    const limits: number[] = [];
    const outcome = await harness.run('job', {}, async (run) =>
      values(
        await run.fanOut('squares', numbers(20), square, {
          concurrency: 16,
          onProgress: ({ concurrency }) => limits.push(concurrency),
        }),
      ),
    );
    expect(outcome).toMatchObject({ value: numbers(20).map((item) => item * item) });
    expect(most()).toBe(2);
    expect(Math.min(...limits)).toBeLessThanOrEqual(4);
    expect(base.sandboxes()).toEqual([]);
  });

  test('a branch whose sandbox is lost is tried again in a fresh one', async () => {
    const { harness, root, sandboxes } = workshop();
    const outcome = await harness.run('job', {}, async (run) =>
      run
        .fanOut('squares', numbers(4), async (branch, item) => {
          const result = await square(branch, item);
          if (branch.attempt === 1) {
            await branch.step('die', async () => endSandbox(root, (await branch.sandbox.ref()).id));
            return -1;
          }
          return result;
        })
        .then((results) =>
          results.map((result) =>
            'value' in result ? [result.value, result.attempts] : result.reason.message,
          ),
        ),
    );
    expect(outcome).toMatchObject({ value: numbers(4).map((item) => [item * item, 2]) });
    expect(sandboxes()).toEqual([]);
  });

  test('stops once enough have succeeded, and destroys the others', async () => {
    const { harness, sandboxes } = workshop();
    const outcome = await harness.run('job', {}, async (run) =>
      values(
        await run.fanOut(
          'first',
          numbers(5),
          async (branch, item) => {
            await branch.step('work', () =>
              branch.sandbox.exec(item < 2 ? 'true' : 'sleep 600').then(({ ok }) => ok),
            );
            return item;
          },
          { concurrency: 5, minSuccess: 2 },
        ),
      ),
    );
    expect(outcome).toMatchObject({ value: [0, 1, 'cancelled', 'cancelled', 'cancelled'] });
    expect(sandboxes()).toEqual([]);
  });

  test('a branch that takes too long is ended', async () => {
    const { harness, sandboxes } = workshop();
    const outcome = await harness.run('job', {}, async (run) =>
      values(
        await run.fanOut(
          'slow',
          [1],
          (branch) =>
            branch.step('work', () => branch.sandbox.exec('sleep 600').then(({ ok }) => ok)),
          {
            branchTimeoutMs: 200,
            attempts: 1,
          },
        ),
      ),
    );
    expect(outcome).toMatchObject({ value: ['deadline-exceeded'] });
    expect(sandboxes()).toEqual([]);
  });

  test('budgets end what is over them', async () => {
    const { harness } = workshop();
    const outcome = await harness.run('job', {}, async (run) =>
      run
        .fanOut('squares', numbers(5), square, { concurrency: 1, budgets: { sandboxes: 3 } })
        .then((results) =>
          results.map((result) =>
            result.status === 'fulfilled' ? 'ok' : result.reason.details['limit'],
          ),
        ),
    );
    expect(outcome).toMatchObject({ value: ['ok', 'ok', 'ok', '3 sandboxes', '3 sandboxes'] });
  });

  test('goes to another provider where one has no room or is out of reach', async () => {
    const base = workshop();
    const full = small(path.join(base.directory, 'full'), 0, 'full').provider;
    const providers = { full, shared: base.provider };
    const outcome = await base
      .again({ providers })
      .run('job', {}, async (run) =>
        run
          .fanOut('squares', numbers(3), square)
          .then((results) =>
            results.map((result) => ('provider' in result ? result.provider : result.reason.code)),
          ),
      );
    expect(outcome).toMatchObject({ value: ['shared', 'shared', 'shared'] });
  });

  test('routes by function, by weight and by name', async () => {
    const base = workshop();
    const other = sharedHost(path.join(base.directory, 'other'), 'other');
    const harness = base.again({ providers: { shared: base.provider, other } });
    const where = async (options: FanOutOptions<number>): Promise<unknown> => {
      const outcome = await harness.run('job', {}, async (run) =>
        run
          .fanOut('squares', numbers(4), square, { concurrency: 1, ...options })
          .then((results) =>
            results.map((result) =>
              'provider' in result ? result.provider : result.reason.message,
            ),
          ),
      );
      return outcome.status === 'finished' ? outcome.value : undefined;
    };
    expect(await where({ route: (item) => [item % 2 === 0 ? 'shared' : 'other'] })).toEqual([
      'shared',
      'other',
      'shared',
      'other',
    ]);
    expect(await where({ route: ['other'] })).toEqual(['other', 'other', 'other', 'other']);
    expect(await where({ route: 'spread', weights: { other: 2 } })).toEqual([
      'other',
      'other',
      'other',
      'other',
    ]);
    expect(await where({ route: () => ['nowhere'], attempts: 1 })).toEqual(
      Array.from({ length: 4 }, () => expect.stringContaining('no provider nowhere') as unknown),
    );
  });

  // Proves: harness-fan-out-clean
  test('cancelling the run destroys every branch', async () => {
    const { harness, sandboxes } = workshop();
    const controller = new AbortController();
    let started = 0;
    const running = harness.run('job', { signal: controller.signal }, (run) =>
      run.fanOut('wait', numbers(4), (branch) =>
        branch.step('wait', async () => {
          const waiting = branch.sandbox.exec('sleep 600');
          if (++started === 4) controller.abort();
          await waiting;
        }),
      ),
    );
    await expect(running).rejects.toMatchObject({ code: 'cancelled' });
    expect(sandboxes()).toEqual([]);
  });
});
