import { describe, expect, test } from 'vitest';
import type { Policy, RunFunction } from '../../src/harness.ts';
import { eventsOf, tally, workshop } from './workshop.ts';

const policy: Policy = {
  rules: [
    { action: 'deny', command: 'rm *' },
    { action: 'ask', command: 'git push*' },
    { action: 'allow', path: '/workspace/out/*' },
    { action: 'deny', path: '*' },
  ],
};

describe('policy', () => {
  // Proves: harness-denied
  test('refuses what is denied, and records it', async () => {
    const { harness } = workshop({ policy });
    const tryIt = (
      work: (run: Parameters<RunFunction<unknown>>[0]) => Promise<unknown>,
    ): Promise<unknown> =>
      harness.run('job', {}, (run) =>
        run.step('do', async () => {
          await work(run);
        }),
      );
    await expect(tryIt((run) => run.sandbox.exec(['rm', '-rf', '/']))).rejects.toMatchObject({
      code: 'permission-denied',
      details: { reason: 'policy', kind: 'command' },
    });
    await expect(tryIt((run) => run.sandbox.files.write('elsewhere', 'x'))).rejects.toMatchObject({
      details: { kind: 'path' },
    });
    await expect(
      tryIt((run) => run.sandbox.files.write('out/../../etc/x', 'x')),
    ).rejects.toMatchObject({ details: { kind: 'path' } });
    await expect(tryIt((run) => run.sandbox.files.move('out/a', 'b'))).rejects.toMatchObject({
      details: { kind: 'path' },
    });
    await tryIt((run) => run.sandbox.files.write('out/x', 'x'));
    for await (const { run } of harness.runs())
      expect(Object.keys(tally(await eventsOf(harness, run)))).toContain('run.created');
  });

  test('a tool that a rule is about is denied or asked for, and no other', async () => {
    const { harness } = workshop({
      policy: {
        otherwise: 'deny',
        rules: [
          { action: 'deny', tool: 'mail__send *' },
          { action: 'ask', tool: 'pay *' },
        ],
      },
    });
    const call = (name: string, input: object): ReturnType<typeof harness.run> =>
      harness.run('job', { id: name.replace('__', '-') }, (run) =>
        run.step('do', ({ tool }) => tool(name, input, () => 'called'), { effects: 'none' }),
      );
    expect(await call('look', {})).toMatchObject({ value: 'called' });
    await expect(call('mail__send', { to: 'x' })).rejects.toMatchObject({
      code: 'permission-denied',
      details: { reason: 'policy', kind: 'tool' },
    });
    const asked = await call('pay', { amount: 5 });
    expect(asked).toMatchObject({ asks: [{ kind: 'tool', subject: 'pay {"amount":5}' }] });
    const [ask] = await harness.asks('pay');
    expect(ask?.kind).toBe('tool');
    await harness.approve('pay', ask?.id ?? '', { allow: true, by: 'me' });
    expect(await call('pay', { amount: 5 })).toMatchObject({ value: 'called' });
  });

  test('a network that the policy denies is refused before anything is made', async () => {
    const { harness, sandboxes } = workshop({
      policy: {
        rules: [
          { action: 'allow', host: '*.example.org' },
          { action: 'deny', host: '*' },
        ],
      },
    });
    const manifest = {
      spec: 'gantry-manifest/1',
      network: { mode: 'allow-list', allow: ['a.example.org', 'evil.test'] },
    } as const;
    const refused = harness.run('job', { sandbox: { manifest } }, (run) =>
      run.step('do', async () => {
        await run.sandbox.exec('true');
      }),
    );
    await expect(refused).rejects.toMatchObject({
      code: 'permission-denied',
      details: { kind: 'host' },
    });
    expect(sandboxes()).toEqual([]);
  });

  // Proves: harness-ask-durable
  test('asks, waits as long as it takes without a sandbox or process, and goes on with the answer', async () => {
    const { harness, again, sandboxes } = workshop({ policy });
    const seen: string[] = [];
    const work: RunFunction<string> = async (run) => {
      await run.step('commit', async () => {
        await run.sandbox.files.write('out/log', 'committed');
      });
      const pushed = await run.step('push', async () => {
        seen.push(await run.sandbox.files.readText('out/log'));
        const { exit } = await run.sandbox.exec(['git', 'push', '--dry-run']);
        return exit.code ?? -1;
      });
      return `pushed: ${typeof pushed}`;
    };
    const outcome = await harness.run('job', { id: 'job-1' }, work);
    if (outcome.status !== 'suspended') throw new Error('not suspended');
    expect(outcome.asks).toMatchObject([
      { kind: 'command', subject: 'git push --dry-run', step: 'push' },
    ]);
    expect(sandboxes()).toEqual([]);
    // Another process, which nobody told anything.
    const other = again();
    other.define('job', {}, work);
    await expect(other.resume('job-1')).resolves.toMatchObject({ status: 'suspended' });
    const [ask] = await other.asks('job-1');
    await other.approve('job-1', ask?.id ?? '', { allow: true, by: 'alice', note: 'looks fine' });
    expect(await other.asks('job-1')).toEqual([]);
    await expect(other.resume('job-1')).resolves.toMatchObject({
      status: 'finished',
      value: 'pushed: number',
    });
    expect(seen).toEqual(['committed', 'committed', 'committed']);
    const answered = (await eventsOf(other, 'job-1')).find(
      ({ type }) => type === 'policy.answered',
    );
    expect(answered).toMatchObject({ actor: 'alice', facts: { allow: true } });
    expect(tally(await eventsOf(other, 'job-1'))).toMatchObject({ 'policy.asked': 1 });
  });

  test('an answer of no is a refusal', async () => {
    const { harness } = workshop({ policy });
    const work: RunFunction<unknown> = (run) =>
      run.step('push', async () => {
        await run.sandbox.exec('git push');
      });
    await harness.run('job', { id: 'job-1' }, work);
    const [ask] = await harness.asks('job-1');
    await harness.approve('job-1', ask?.id ?? '', { allow: false, by: 'bob' });
    await expect(harness.resume('job-1')).rejects.toMatchObject({
      code: 'permission-denied',
      message: expect.stringContaining('a person denied it') as unknown,
    });
    await expect(
      harness.approve('job-1', 'no-such', { allow: true, by: 'bob' }),
    ).rejects.toMatchObject({ code: 'not-found' });
  });

  test('a branch may ask too', async () => {
    const { harness, sandboxes } = workshop({ policy });
    const work: RunFunction<unknown> = (run) =>
      run
        .fanOut('pushes', ['a', 'b'], (branch, item) =>
          branch.step('do', async () => {
            await branch.sandbox.exec(item === 'a' ? 'true' : 'git push');
          }),
        )
        .then((results) => results.map(({ status }) => status));
    await expect(harness.run('job', { id: 'job-1' }, work)).resolves.toMatchObject({
      status: 'suspended',
    });
    expect(sandboxes()).toEqual([]);
    const [ask] = await harness.asks('job-1');
    await harness.approve('job-1', ask?.id ?? '', { allow: true, by: 'bob' });
    await expect(harness.resume('job-1')).resolves.toMatchObject({
      value: ['fulfilled', 'fulfilled'],
    });
  });

  test('budgets of a run', async () => {
    const { harness } = workshop({ policy: { budgets: { commands: 2 } } });
    const work: RunFunction<unknown> = async (run) => {
      for (const name of ['one', 'two', 'three'])
        await run.step(name, async () => {
          await run.sandbox.exec('true');
        });
    };
    await expect(harness.run('job', {}, work)).rejects.toMatchObject({
      code: 'resource-exhausted',
      details: { reason: 'budget', limit: '2 commands' },
    });
  });

  test('a rule that says nothing clear is refused', () => {
    expect(() => workshop({ policy: { rules: [{ action: 'deny' }] } })).toThrow('must have one of');
    expect(() =>
      workshop({ policy: { rules: [{ action: 'deny', path: '/a', command: 'b' }] } }),
    ).toThrow('must have one of');
  });
});
