import { describe, expect, test } from 'vitest';
import { faulty } from '../../src/testing.ts';
import type { FaultRule } from '../../src/testing.ts';
import type { RunFunction } from '../../src/harness.ts';
import { endSandbox } from './shared-host-driver.ts';
import { eventsOf, tally, workshop } from './workshop.ts';

/** A promise and what settles it. */
function gate(): { readonly opened: Promise<void>; readonly open: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { opened: promise, open: resolve };
}

describe('one run, several processes', () => {
  test('a run that is driven cannot be driven by another', async () => {
    const { harness, again } = workshop();
    const started = gate();
    const finish = gate();
    const work: RunFunction<number> = (run) =>
      run.step('wait', async () => {
        started.open();
        await finish.opened;
        return 1;
      });
    const first = harness.run('job', { id: 'job-1' }, work);
    await started.opened;
    await expect(again().run('job', { id: 'job-1' }, work)).rejects.toMatchObject({
      code: 'failed-precondition',
      details: { reason: 'claimed' },
    });
    finish.open();
    await expect(first).resolves.toMatchObject({ value: 1 });
  });

  // Proves: harness-one-writer, harness-takeover
  test('a process that wakes up after a takeover can write nothing and finds its sandbox gone', async () => {
    const { harness, again, journal, sandboxes } = workshop();
    const asleep = gate();
    const wake = gate();
    let late: unknown;
    let sleeper: string | undefined;
    const work =
      (sleeps: boolean): RunFunction<string> =>
      async (run) => {
        await run.step('one', () => run.sandbox.files.write('log', 'one\n'));
        return run.step('two', async () => {
          if (sleeps) {
            sleeper = (await run.sandbox.ref()).id;
            asleep.open();
            await wake.opened;
            late = await run.sandbox.exec('echo late >> log').catch((error: unknown) => error);
          }
          await run.sandbox.exec('echo two >> log');
          return run.sandbox.files.readText('log');
        });
      };
    const first = harness.run('job', { id: 'job-1' }, work(true));
    await asleep.opened;
    // What another process does once the claim has run out, or when it knows that the owner is gone.
    const epoch = (await journal.find('job-1'))?.claim?.epoch ?? 0;
    const claim = await journal.claim('job-1', { owner: 'other', ttlMs: 1, over: epoch });
    await journal.unclaim('job-1', claim.epoch);
    await expect(again().run('job', { id: 'job-1' }, work(false))).resolves.toMatchObject({
      value: 'one\ntwo\n',
    });
    expect(sandboxes()).not.toContain(sleeper);
    const before = (await journal.find('job-1'))?.head;
    wake.open();
    await expect(first).rejects.toMatchObject({ code: 'aborted', details: { reason: 'fenced' } });
    expect(late).toMatchObject({ name: 'SandboxError' });
    expect((await journal.find('job-1'))?.head).toEqual(before);
    expect(tally(await eventsOf(harness, 'job-1'))).toMatchObject({
      rollback: 1,
      'run.finished': 1,
    });
    expect(sandboxes()).toEqual([]);
  });

  test('a process that lost its run between steps does not destroy the sandbox that the next one took over', async () => {
    const { harness, again, journal } = workshop();
    const asleep = gate();
    const wake = gate();
    const taken = gate();
    const go = gate();
    const sandboxIds: string[] = [];
    const work =
      (first: boolean): RunFunction<string> =>
      async (run) => {
        await run.step('one', async () => {
          sandboxIds.push((await run.sandbox.ref()).id);
          await run.sandbox.files.write('log', 'one\n');
        });
        if (first) {
          asleep.open();
          await wake.opened;
        }
        return run.step('two', async () => {
          sandboxIds.push((await run.sandbox.ref()).id);
          taken.open();
          await go.opened;
          return run.sandbox.files.readText('log');
        });
      };
    const first = harness.run('job', { id: 'job-1' }, work(true));
    await asleep.opened;
    const epoch = (await journal.find('job-1'))?.claim?.epoch ?? 0;
    const claim = await journal.claim('job-1', { owner: 'other', ttlMs: 1, over: epoch });
    await journal.unclaim('job-1', claim.epoch);
    const second = again().run('job', { id: 'job-1' }, work(false));
    await taken.opened;
    wake.open();
    await expect(first).rejects.toMatchObject({ code: 'aborted' });
    go.open();
    await expect(second).resolves.toMatchObject({ value: 'one\n' });
    // The second reattached: the same sandbox, and nothing ran again.
    expect(new Set(sandboxIds).size).toBe(1);
    expect(tally(await eventsOf(harness, 'job-1'))).toMatchObject({
      'sandbox.attached': 1,
      'sandbox.created': 1,
    });
  });
});

describe('a provider that is out of reach', () => {
  test.each<[string, readonly FaultRule[]]>([
    [
      'create fails twice',
      [
        { operation: 'create', fault: { kind: 'fail' }, nth: 1 },
        { operation: 'create', fault: { kind: 'fail' }, nth: 2 },
      ],
    ],
    [
      'the answer of a create is lost',
      [{ operation: 'create', fault: { kind: 'fail-late' }, nth: 1 }],
    ],
    ['a command’s answer is lost', [{ operation: 'spawn', fault: { kind: 'fail-late' }, nth: 2 }]],
    [
      'a command’s output is cut off',
      [{ operation: 'spawn', fault: { kind: 'truncate', afterBytes: 1 }, nth: 3 }],
    ],
    [
      'everything fails now and then',
      ['create', 'spawn', 'inspect', 'destroy', 'connect'].map((operation) => ({
        operation,
        fault: { kind: 'fail' },
        probability: 0.1,
      })),
    ],
  ])('is waited for: %s', async (_, rules) => {
    const base = workshop();
    const flaky = base.provider.wrap(faulty({ rules, seed: 7 }));
    const harness = base.again({ providers: { shared: flaky } });
    const outcome = await harness.run('job', { id: 'job-1' }, async (run) => {
      for (const name of ['one', 'two', 'three'])
        await run.step(
          name,
          async () => {
            const { ok } = await run.sandbox.exec(`echo ${name} >> log`);
            if (!ok) throw new Error('the command failed');
          },
          { attempts: 5 },
        );
      return run.step('read', () => run.sandbox.files.readText('log'), { attempts: 5 });
    });
    expect(outcome).toMatchObject({ status: 'finished' });
    // A step that is tried again finds what its failed try left: at least once, in order, and never lost.
    const value = outcome.status === 'finished' ? outcome.value.trim().split('\n') : [];
    expect([...new Set(value)]).toEqual(['one', 'two', 'three']);
    await base.harness.reap();
    expect(base.sandboxes()).toEqual([]);
  });
});

test('a sandbox that ends between two steps is made again before the next', async () => {
  const { harness, root, again } = workshop();
  let id = '';
  let stop = true;
  const work: RunFunction<string> = async (run) => {
    await run.step('one', async () => {
      id = (await run.sandbox.ref()).id;
      await run.sandbox.files.write('log', 'one\n');
    });
    if (stop) endSandbox(root, id);
    return run.step('two', () => run.sandbox.files.readText('log'));
  };
  await expect(harness.run('job', { id: 'job-1' }, work)).resolves.toMatchObject({
    value: 'one\n',
  });
  stop = false;
  await expect(again().run('job', { id: 'job-1' }, work)).resolves.toMatchObject({
    value: 'one\n',
  });
});

test('a journal that cannot be written stops the run at once, also in the middle of a step', async () => {
  const { again, journal } = workshop();
  const started = gate();
  let broken = false;
  const failing = new Proxy(journal, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property);
      if (property === 'append' && broken)
        return async () => {
          throw new Error('the disk is full');
        };
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
  const running = again({ journal: failing }).run('job', { id: 'job-1' }, (run) =>
    run.step('wait', async () => {
      await run.sandbox.exec('true');
      broken = true;
      started.open();
      // Its event cannot be written, and nobody waits for that: the step itself would go on for long.
      await run.sandbox.exec('true');
      await run.sandbox.exec('sleep 600');
    }),
  );
  await started.opened;
  await expect(running).rejects.toThrow('the disk is full');
});
