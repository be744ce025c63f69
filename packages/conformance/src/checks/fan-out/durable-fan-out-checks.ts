import { SandboxError } from '@gantry/core';
import type { DriverWrapper } from '@gantry/core/driver';
import { must, type Check } from '../../check.ts';
import { durable } from '../durable/durable-setting.ts';

/** A quota of live sandboxes, told as the contract has it. */
function quota(room: number): { readonly wrapper: DriverWrapper; readonly most: () => number } {
  let live = 0;
  let most = 0;
  return {
    most: () => most,
    wrapper: (driver) => ({
      ...driver,
      async create(request, call) {
        if (live >= room) {
          throw new SandboxError('resource-exhausted', `there is room for ${room} sandboxes`, {
            ...{ outcome: 'not-started', retryAfterMs: 20 },
          });
        }
        live += 1;
        most = Math.max(most, live);
        return driver.create(request, call);
      },
      async destroy(ref, call) {
        await driver.destroy(ref, call);
        live -= 1;
      },
    }),
  };
}

const items: readonly number[] = [0, 1, 2, 3, 4, 5];
/** After this long without a sign of life a client is taken for gone. */
const claimMs = 2_000;

export const durableFanOutChecks: readonly Check[] = [
  must(
    'fan-out/adaptive',
    'fanout-adaptive',
    'a fan-out over a provider with less room goes on with less at a time, and no branch fails',
    async (t) => {
      const { wrapper, most } = quota(2);
      await using setting = await durable(t, t.provider.wrap(wrapper));
      const { harness, sandbox } = setting;
      const outcome = await harness.run('squares', { id: 'adaptive', sandbox }, async (run) => {
        const results = await run.fanOut(
          'squares',
          items,
          (branch, item) =>
            branch.step('square', async () => {
              const { stdout } = await branch.sandbox.exec(`echo $((${item} * ${item}))`);
              return Number(stdout.text);
            }),
          { concurrency: items.length, attempts: 1 },
        );
        return results.map((result) =>
          result.status === 'fulfilled' ? result.value : result.reason.message,
        );
      });
      const value = outcome.status === 'finished' ? outcome.value : outcome.status;
      t.equal(
        value,
        items.map((item) => item * item),
        'results, in the order of the items',
      );
      t.equal(most(), 2, 'sandboxes at once');
    },
    { extraMs: 30_000 },
  ),
  must(
    'fan-out/leases',
    'fanout-leases',
    'what a client that is gone has made is kept while its lease holds, and then reaped',
    async (t) => {
      await using setting = await durable(t, t.provider, { claimMs });
      const { harness, sandbox, close } = setting;
      const begun = Promise.withResolvers<void>();
      const never = Promise.withResolvers<never>();
      const running = harness.run('gone', { id: 'gone', sandbox }, (run) =>
        run.step('work', async () => {
          await run.sandbox.exec('touch begun');
          begun.resolve();
          await never.promise;
        }),
      );
      running.catch(begun.reject);
      await t.promptly(t.limits.check, begun.promise, 'the begin of the work');
      await close();
      const outcome = await t.promptly(
        t.limits.check,
        running.catch((error: unknown) => error),
        'the end of a run whose journal is closed',
      );
      t.ok(outcome instanceof Error, 'a run without a journal ended well');
      const other = await setting.reopen();
      const [ref] = await setting.made('gone');
      const left = t.present(ref, 'the record names no sandbox');
      await t.eventually(
        t.limits.settle + claimMs,
        async () => {
          await other.reap();
          return (await t.provider.inspect(left)).state === 'gone';
        },
        'the end of what the client has left',
      );
    },
    { extraMs: 20_000 },
  ),
  must(
    'fan-out/identity',
    'fanout-identity',
    'branches of one workspace have refs, leases and random numbers of their own',
    async (t) => {
      await using setting = await durable(t);
      const { harness, sandbox } = setting;
      const line = 'head -c 16 /dev/urandom | od -An -tx1';
      const outcome = await harness.run('draws', { id: 'identity', sandbox }, async (run) => {
        await run.step('prepare', () => run.sandbox.files.write('base', 'x'));
        const results = await run.fanOut(
          'draws',
          items,
          (branch) =>
            branch.step('draw', async () => (await branch.sandbox.exec(line)).stdout.text),
          { from: 'workspace', concurrency: 3 },
        );
        return results.map((result) =>
          result.status === 'fulfilled' ? result.value : result.reason.message,
        );
      });
      const drawn = outcome.status === 'finished' ? outcome.value : [];
      t.equal(new Set(drawn).size, items.length, 'draws');
      const refs = await setting.made('identity');
      t.equal(new Set(refs.map(({ id }) => id)).size, items.length + 1, 'sandboxes of their own');
      const leases = (await setting.events('identity')).flatMap(({ type, facts }) =>
        type === 'sandbox.created' ? [facts?.['lease']] : [],
      );
      t.equal(new Set(leases).size, items.length + 1, 'leases of their own');
      for (const ref of refs) t.equal((await t.provider.inspect(ref)).state, 'gone', 'state');
    },
    { extraMs: 30_000 },
  ),
];
