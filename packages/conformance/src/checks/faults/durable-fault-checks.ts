import { SandboxError } from '@gantry/core';
import type { DriverWrapper } from '@gantry/core/driver';
import type { RunFunction } from '@gantry/core/harness';
import { faulty } from '@gantry/core/testing';
import { must, type Check } from '../../check.ts';
import { durable } from '../durable/durable-setting.ts';

/** Refuses this many of the next calls, once it is told to. */
function outage(calls: number): { readonly wrapper: DriverWrapper; readonly begin: () => void } {
  let left = 0;
  const through = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    if (left === 0) return work();
    left -= 1;
    throw new SandboxError('unavailable', 'the provider is out of reach', {
      ...{ outcome: 'not-started', retryable: true },
    });
  };
  return {
    begin: () => (left = calls),
    wrapper: (driver) => ({
      ...driver,
      inspect: (ref, call) => through(() => driver.inspect(ref, call)),
      spawn: (handle, command, call) => through(() => driver.spawn(handle, command, call)),
    }),
  };
}

/** Three steps, each on top of the one before. */
function threeSteps(before: (step: number) => Promise<void>): RunFunction<string> {
  return async (run) => {
    for (const step of [1, 2, 3]) {
      await run.step(`step ${step}`, async () => {
        await run.sandbox.exec(`echo half-${step} >> log`);
        await before(step);
        const { ok, stderr } = await run.sandbox.exec(`echo done-${step} >> log`);
        if (!ok) throw new Error(stderr.text);
      });
    }
    return run.step('read', () => run.sandbox.files.readText('log'));
  };
}

const whole = 'half-1\ndone-1\nhalf-2\ndone-2\nhalf-3\ndone-3\n';

const cut = { kind: 'truncate', afterBytes: 3 } as const;

/** Cuts the output of the echoes of those numbers, from 1, whatever a seed draws and whatever else is run. */
function cutEchoes(numbers: readonly number[]): DriverWrapper {
  let echoes = 0;
  return (driver) => {
    const cutting = faulty({ rules: [{ operation: 'spawn', fault: cut }] })(driver);
    return {
      ...driver,
      spawn(handle, command, call) {
        if (!command.argv.some((word) => word.startsWith('echo item-')))
          return driver.spawn(handle, command, call);
        echoes += 1;
        return (numbers.includes(echoes) ? cutting : driver).spawn(handle, command, call);
      },
    };
  };
}

export const durableFaultChecks: readonly Check[] = [
  must(
    'faults/run-recovers',
    'fault-recovered',
    'a run whose sandbox goes away in the middle of a step ends as if it had not',
    async (t) => {
      await using setting = await durable(t);
      const { harness, sandbox } = setting;
      let lost = false;
      const outcome = await harness.run(
        'recovers',
        { id: 'recovers', sandbox },
        threeSteps(async (step) => {
          if (step !== 2 || lost) return;
          lost = true;
          const [ref] = await setting.made('recovers');
          await t.provider.destroy(t.present(ref, 'the record names no sandbox'));
        }),
      );
      t.ok(lost, 'the sandbox was never lost');
      t.equal(outcome.status === 'finished' && outcome.value, whole, 'what the run ends with');
      const events = await setting.events('recovers');
      t.equal(events.filter(({ type }) => type === 'rollback').length, 1, 'rollbacks');
      t.equal((await setting.made('recovers')).length, 2, 'sandboxes that were made');
    },
    { extraMs: 30_000 },
  ),
  must(
    'faults/run-outlasts',
    'fault-outage',
    'a run waits out a provider that is out of reach for a while, and does nothing twice',
    async (t) => {
      const { wrapper, begin } = outage(4);
      await using setting = await durable(t, t.provider.wrap(wrapper));
      const { harness, sandbox } = setting;
      let begun = false;
      const outcome = await harness.run(
        'outlasts',
        { id: 'outlasts', sandbox },
        threeSteps(async (step) => {
          if (step !== 2 || begun) return;
          begun = true;
          begin();
        }),
      );
      t.equal(outcome.status === 'finished' && outcome.value, whole, 'what the run ends with');
      const events = await setting.events('outlasts');
      t.equal(events.filter(({ type }) => type === 'rollback').length, 0, 'rollbacks');
    },
    { extraMs: 30_000 },
  ),
  must(
    'faults/fan-out-storm',
    'fault-storm',
    'a fan-out in a storm of faults has right results or errors, and leaves nothing',
    async (t) => {
      const fail = { kind: 'fail' } as const;
      const rules = [
        { operation: 'create', probability: 0.25, fault: fail },
        { operation: 'spawn', probability: 0.15, fault: cut },
        { operation: 'spawn', probability: 0.1, fault: fail },
      ] as const;
      const storm = t.provider.wrap(cutEchoes([1, 3])).wrap(faulty({ rules, seed: t.state.seed }));
      await using setting = await durable(t, storm);
      const { harness, sandbox } = setting;
      const items = Array.from({ length: 10 }, (_, index) => `item-${index}`);
      const outcome = await harness.run('storm', { id: 'storm', sandbox }, async (run) => {
        const results = await run.fanOut(
          'echoes',
          items,
          (branch, item) =>
            branch.step('echo', async () => {
              // Long enough to be cut, and slow enough to be alive then.
              const { stdout, ok } = await branch.sandbox.exec(`echo ${item}; sleep 0.1`);
              return `${ok} ${stdout.text}`;
            }),
          { concurrency: 4, attempts: 4 },
        );
        return results.map((result) => (result.status === 'fulfilled' ? result.value : ''));
      });
      const values = outcome.status === 'finished' ? outcome.value : [];
      t.equal(values.length, items.length, 'results');
      for (const [index, value] of values.entries()) {
        t.ok(
          value === '' || value === `true ${items[index] ?? ''}\n`,
          `branch ${index} made up ${JSON.stringify(value)}`,
        );
      }
      t.ok(
        values.some((value) => value !== ''),
        'no branch came through',
      );
      for (const ref of await setting.made('storm')) {
        t.equal((await t.provider.inspect(ref)).state, 'gone', 'state of a sandbox of it');
      }
    },
    { extraMs: 60_000 },
  ),
];
