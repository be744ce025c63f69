import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { Run, RunFunction } from '../../src/harness.ts';
import { SandboxError } from '../../src/index.ts';
import { memoryStore } from '../../src/snapshot.ts';
import { endSandbox } from './shared-host-driver.ts';
import { eventsOf, tally, workshop } from './workshop.ts';

/** Three steps, each of which appends a line to a file and counts how often it ran. */
function threeSteps(counts: Record<string, number>): RunFunction<string> {
  return async (run: Run) => {
    for (const name of ['one', 'two', 'three']) {
      await run.step(name, async () => {
        counts[name] = (counts[name] ?? 0) + 1;
        const result = await run.sandbox.exec(`echo ${name} >> log`);
        return { ok: result.ok };
      });
    }
    return run.step('read', () => run.sandbox.files.readText('log'), { schema: z.string() });
  };
}

describe('a run', () => {
  // Proves: harness-committed-once, harness-acknowledged
  test('records its steps and gives the result again without running anything', async () => {
    const { harness, sandboxes } = workshop();
    const counts: Record<string, number> = {};
    const first = await harness.run('job', { id: 'job-1' }, threeSteps(counts));
    expect(first).toEqual({ run: 'job-1', status: 'finished', value: 'one\ntwo\nthree\n' });
    expect(sandboxes()).toEqual([]);
    const again = await harness.run('job', { id: 'job-1' }, threeSteps(counts));
    expect(again).toEqual(first);
    expect(counts).toEqual({ one: 1, two: 1, three: 1 });
    const events = await eventsOf(harness, 'job-1');
    expect(tally(events)).toMatchObject({
      'step.recorded': 4,
      checkpoint: 4,
      command: 3,
      'run.finished': 1,
    });
    expect(events.filter(({ type }) => type === 'checkpoint').map(({ before }) => before)).toEqual([
      undefined,
      ...events
        .filter(({ type }) => type === 'checkpoint')
        .slice(0, 3)
        .map(({ after }) => after),
    ]);
  });

  // Proves: harness-rollback-exact
  test('goes on after the step that failed, in another process, with the workspace of the last checkpoint', async () => {
    const { harness, again, sandboxes } = workshop();
    const counts: Record<string, number> = {};
    let broken = true;
    const work: RunFunction<string> = async (run) => {
      await run.step('one', async () => {
        counts['one'] = (counts['one'] ?? 0) + 1;
        await run.sandbox.exec('echo one >> log');
      });
      await run.step('two', async ({ attempt }) => {
        await run.sandbox.exec('echo two >> log');
        if (broken) throw new Error(`not yet at attempt ${attempt}`);
      });
      return run.step('read', () => run.sandbox.files.readText('log'));
    };
    await expect(harness.run('job', { id: 'job-1' }, work)).rejects.toMatchObject({
      message: 'not yet at attempt 1',
      details: { step: 'two' },
    });
    expect(sandboxes()).toEqual([]);
    broken = false;
    const other = again();
    other.define('job', {}, work);
    await expect(other.resume('job-1')).resolves.toMatchObject({ value: 'one\ntwo\n' });
    expect(counts).toEqual({ one: 1 });
    const events = await eventsOf(other, 'job-1');
    expect(tally(events)).toMatchObject({
      rollback: 1,
      'run.failed': 1,
      'step.failed (superseded)': 1,
    });
    const [rollback] = events.filter(({ type }) => type === 'rollback');
    const [checkpoint] = events.filter(({ type }) => type === 'checkpoint');
    expect(rollback?.after).toBe(checkpoint?.after);
    expect(rollback?.facts).toMatchObject({ to: checkpoint?.sequence });
  });

  // Proves: harness-dying-answers
  test('a sandbox that ends in mid-step is replaced by one with the tree of the last checkpoint', async () => {
    const { harness, root, sandboxes } = workshop();
    const counts: Record<string, number> = {};
    const outcome = await harness.run('job', { id: 'job-1' }, async (run) => {
      await run.step('write', async () => {
        counts['write'] = (counts['write'] ?? 0) + 1;
        await run.sandbox.exec(
          'echo kept > log; mkdir -p a/b; ln -s nowhere a/link; chmod 600 log',
        );
      });
      return run.step('die once', async ({ attempt }) => {
        await run.sandbox.exec('echo lost >> log');
        if (attempt === 1) {
          endSandbox(root, (await run.sandbox.ref()).id);
          // What a dying sandbox answers must not count.
          return 'a wrong result';
        }
        return run.sandbox.files.readText('log');
      });
    });
    expect(outcome).toMatchObject({ value: 'kept\nlost\n' });
    expect(counts).toEqual({ write: 1 });
    expect(sandboxes()).toEqual([]);
    const events = await eventsOf(harness, 'job-1');
    const trees = events.filter(({ type }) => type === 'checkpoint').map(({ after }) => after);
    expect(events.find(({ type }) => type === 'rollback')?.after).toBe(trees[0]);
    expect(
      events.filter(({ type }) => type === 'sandbox.created').map(({ after }) => after),
    ).toEqual([undefined, trees[0]]);
  });

  test('what was recorded and not committed runs again when the sandbox is lost; a step without effects does not', async () => {
    const { harness, root } = workshop();
    const counts: Record<string, number> = {};
    const count = (name: string): void => {
      counts[name] = (counts[name] ?? 0) + 1;
    };
    const options = { id: 'job-1', checkpoint: { everySteps: 2 } } as const;
    await harness.run('job', options, async (run) => {
      for (const name of ['one', 'two', 'three']) {
        await run.step(name, async () => {
          count(name);
          await run.sandbox.exec(`touch ${name}`);
        });
      }
      await run.step('ask', async () => count('ask'), { effects: 'none' });
      await run.step('die once', async ({ attempt }) => {
        count('die');
        if (attempt === 1) endSandbox(root, (await run.sandbox.ref()).id);
        expect((await run.sandbox.exec('ls')).stdout.text).toBe('one\nthree\ntwo\n');
      });
    });
    expect(counts).toEqual({ one: 1, two: 1, three: 2, ask: 1, die: 2 });
    const events = await eventsOf(harness, 'job-1');
    const taken = events.filter(({ superseded }) => superseded).map(({ step }) => step);
    expect(new Set(taken)).toEqual(new Set(['three', 'die once']));
  });

  // Proves: harness-deterministic
  test('code that asks for another step than the journal has is stopped, and told both', async () => {
    const { harness, again } = workshop();
    let fail = true;
    const work =
      (second: string): RunFunction<void> =>
      async (run) => {
        await run.step('fetch', () => 1, { effects: 'none' });
        await run.step(second, () => 2, { effects: 'none' });
        if (fail) throw new Error('interrupted');
      };
    await expect(harness.run('job', { id: 'job-1' }, work('parse'))).rejects.toThrow('interrupted');
    const error: unknown = await again()
      .run('job', { id: 'job-1' }, work('download'))
      .catch((thrown: unknown) => thrown);
    expect(SandboxError.is(error) && error.details).toMatchObject({
      reason: 'non-determinism',
      recorded: 'step "parse" without effects',
      found: 'the code asks for step "download" without effects',
    });
    fail = false;
    const shorter: RunFunction<void> = async (run) => {
      await run.step('fetch', () => 1, { effects: 'none' });
    };
    await expect(again().run('job', { id: 'job-1' }, shorter)).rejects.toThrow(
      'the function has ended',
    );
    await expect(again().run('job', { id: 'job-1' }, work('parse'))).resolves.toMatchObject({
      status: 'finished',
    });
  });

  test('a failure that the code went on past is a result, and is the same when it is read again', async () => {
    const { harness, again } = workshop();
    let stop = true;
    const seen: unknown[] = [];
    const work: RunFunction<void> = async (run) => {
      const refuse = (): never => {
        throw new TypeError('no such thing');
      };
      await run
        .step('refuse', refuse, { effects: 'none' })
        .catch((error: unknown) => seen.push(SandboxError.is(error) ? error.toJSON() : error));
      await run.step('after', () => 1, { effects: 'none' });
      if (stop) throw new Error('interrupted');
    };
    await expect(harness.run('job', { id: 'job-1' }, work)).rejects.toThrow('interrupted');
    stop = false;
    await again().run('job', { id: 'job-1' }, work);
    expect(seen).toHaveLength(2);
    expect(seen[1]).toEqual(seen[0]);
    expect(seen[0]).toMatchObject({
      code: 'unknown',
      message: 'no such thing',
      details: { name: 'TypeError' },
    });
  });

  test('a step is tried as often as it says, with one key for all tries', async () => {
    const { harness } = workshop();
    const keys = new Set<string>();
    const outcome = await harness.run('job', {}, (run) =>
      run.step(
        'flaky',
        ({ attempt, idempotencyKey }) => {
          keys.add(idempotencyKey);
          if (attempt < 3) throw new Error('again');
          return attempt;
        },
        { attempts: 3, effects: 'none' },
      ),
    );
    expect(outcome).toMatchObject({ value: 3 });
    expect(keys.size).toBe(1);
  });

  test('results that JSON does not keep, or that do not fit the schema, fail the step', async () => {
    const { harness } = workshop();
    const run = (work: RunFunction<unknown>): Promise<unknown> => harness.run('job', {}, work);
    await expect(run((live) => live.step('date', () => ({ at: new Date(0) })))).rejects.toThrow(
      'a Date',
    );
    await expect(run((live) => live.step('nan', () => [1, Number.NaN]))).rejects.toThrow(
      '[1] is NaN',
    );
    const schema = z.object({ id: z.number() });
    await expect(
      run((live) => live.step('bad', () => ({ id: 'x' }) as never, { schema })),
    ).rejects.toThrow('id');
  });

  test('the sandbox is used in steps only, and steps are not nested', async () => {
    const { harness } = workshop();
    await expect(harness.run('job', {}, (run) => run.sandbox.exec('true'))).rejects.toThrow(
      'outside of a step',
    );
    const nested: RunFunction<unknown> = (run) =>
      run.step('outer', () => run.step('inner', () => 1));
    await expect(harness.run('job', {}, nested)).rejects.toThrow('cannot be nested');
  });

  test('decisions are kept with their inputs, and refuse other inputs', async () => {
    const { harness, again } = workshop();
    let inputs = { score: 1 };
    let stop = true;
    const work: RunFunction<string> = async (run) => {
      const choice = await run.decide('model', inputs, () => 'small');
      if (stop) throw new Error('interrupted');
      return choice;
    };
    await expect(harness.run('job', { id: 'job-1' }, work)).rejects.toThrow('interrupted');
    stop = false;
    inputs = { score: 2 };
    await expect(again().run('job', { id: 'job-1' }, work)).rejects.toThrow('other inputs');
    inputs = { score: 1 };
    await expect(again().run('job', { id: 'job-1' }, work)).resolves.toMatchObject({
      value: 'small',
    });
    const started = (await eventsOf(harness, 'job-1')).find(
      ({ facts }) => facts?.['kind'] === 'decision',
    );
    expect(await harness.body('job-1', started?.sequence ?? 0)).toEqual({ score: 1 });
  });

  test('artifacts outlive the sandbox, and are gone when the run is erased', async () => {
    const { harness } = workshop();
    const outcome = await harness.run('job', { id: 'job-1' }, async (run) => {
      await run.step('make', () => run.sandbox.files.write('out/report.txt', 'the report'));
      return run.artifact('out/report.txt');
    });
    if (outcome.status !== 'finished') throw new Error('not finished');
    expect(Buffer.from(await harness.artifact(outcome.value)).toString()).toBe('the report');
    await harness.erase('job-1');
    await expect(harness.artifact(outcome.value)).rejects.toMatchObject({ code: 'not-found' });
    expect(await harness.verify('job-1')).toMatchObject({
      verdict: 'unanchored',
      erased: true,
      problems: [],
    });
    await expect(harness.resume('job-1')).rejects.toMatchObject({ code: 'failed-precondition' });
  });

  test('of a finished run so many checkpoints stay as are asked for; of an erased one none', async () => {
    const store = memoryStore();
    const { harness } = workshop({ store });
    const counts: Record<string, number> = {};
    const stored = async (): Promise<number> =>
      (await Array.fromAsync(store.list('snapshots/'))).length;
    await harness.run('job', { id: 'job-1', keepCheckpoints: 2 }, threeSteps(counts));
    expect(await stored()).toBe(2);
    await harness.run('job', { id: 'job-2' }, threeSteps(counts));
    expect(await stored()).toBe(3);
    await harness.erase('job-1');
    expect(await stored()).toBe(1);
  });

  test('a name that could not be read again is refused, and the run can be gone on with', async () => {
    const { harness, again } = workshop();
    let name = 'x'.repeat(1001);
    const work: RunFunction<number> = (run) => run.step(name, () => 1);
    await expect(harness.run('job', { id: 'job-1' }, work)).rejects.toMatchObject({
      code: 'invalid-argument',
    });
    name = 'short';
    await expect(again().run('job', { id: 'job-1' }, work)).resolves.toMatchObject({ value: 1 });
  });

  test('cancelling fails the run and leaves nothing', async () => {
    const { harness, sandboxes } = workshop();
    const controller = new AbortController();
    const running = harness.run('job', { signal: controller.signal }, (run) =>
      run.step('wait', async () => {
        const waiting = run.sandbox.exec('echo there; sleep 600');
        controller.abort();
        await waiting;
      }),
    );
    await expect(running).rejects.toMatchObject({ code: 'cancelled' });
    expect(sandboxes()).toEqual([]);
  });
});
