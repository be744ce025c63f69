import { must, type Check } from '../../check.ts';
import { undeclared } from './undeclared.ts';

export const serviceChecks: readonly Check[] = [
  undeclared('lifetime', 'lifetime', (sandbox) => sandbox.extendLifetime(Date.now() + 60_000)),
  must(
    'lifetime/extends',
    'lifetime-extend',
    'a lifetime that was extended holds',
    async (t) => {
      const sandbox = await t.create({ maxLifetimeMs: t.limits.lifetime });
      const asked = Date.now() + 120_000;
      const holds = await sandbox.extendLifetime(asked);
      t.ok(
        Math.abs(holds - asked) < 5_000,
        `the time that holds is ${holds - asked} ms from what was asked for`,
      );
      await new Promise((resolve) => setTimeout(resolve, t.limits.lifetime + 1_000));
      t.equal(
        (await t.provider.inspect(sandbox.ref)).state,
        'running',
        'state after the first end',
      );
      t.equal((await sandbox.exec('echo on')).stdout.text, 'on\n', 'a command');
      const { expiresAt } = await t.provider.inspect(sandbox.ref);
      if (expiresAt !== undefined)
        t.ok(Math.abs(expiresAt - holds) < 5_000, 'inspect tells another end');
    },
    { needs: { capability: 'lifetime' } },
  ),
  undeclared('inventory', 'inventory', async (_sandbox, provider) => {
    for await (const _summary of provider.list()) break;
  }),
  must(
    'inventory/labels',
    'labels-kept',
    'the inventory has every sandbox with all labels, and no other',
    async (t) => {
      const group = t.word('group');
      const odd = 'va lue/with: "odd" ünï';
      const made = await Promise.all(
        ['a', 'b', 'c'].map((name) => t.create({ labels: { group, name, odd } })),
      );
      await t.create({ labels: { group: `${group}x`, name: 'a' } });
      const listed = async (
        labels: Record<string, string>,
      ): Promise<Map<string, Readonly<Record<string, string>>>> => {
        const found = new Map<string, Readonly<Record<string, string>>>();
        for await (const summary of t.provider.list({ labels })) {
          t.ok(!found.has(summary.ref.id), 'a sandbox is listed twice');
          found.set(summary.ref.id, summary.labels);
        }
        return found;
      };
      const all = await listed({ group });
      t.equal(
        [...all.keys()].toSorted(),
        made.map(({ ref }) => ref.id).toSorted(),
        'sandboxes with the label',
      );
      t.equal(
        [...all.values()].map(({ odd: kept }) => kept),
        [odd, odd, odd],
        'an odd value',
      );
      t.equal(
        [...(await listed({ group, name: 'b' })).keys()],
        [made[1]?.ref.id],
        'sandboxes with both labels',
      );
      t.equal(
        (await listed({ group, name: 'none' })).size,
        0,
        'sandboxes with a label that none has',
      );
      await made[0]?.destroy();
      t.equal((await listed({ group })).size, 2, 'sandboxes after one was destroyed');
    },
    { needs: { capability: 'inventory' } },
  ),
  must(
    'inventory/states',
    'inventory-own',
    'a listed sandbox has a state, a time and a ref that works',
    async (t) => {
      const group = t.word('group');
      const before = Date.now();
      const sandbox = await t.create({ labels: { group } });
      for await (const summary of t.provider.list({ labels: { group } })) {
        t.equal([summary.ref, summary.state], [sandbox.ref, 'running'], 'ref and state');
        t.ok(
          summary.createdAt >= before - 60_000 && summary.createdAt <= Date.now() + 60_000,
          'createdAt is not now',
        );
        const again = await t.provider.connect(summary.ref);
        t.equal(
          (await again.exec('echo listed')).stdout.text,
          'listed\n',
          'a command by the listed ref',
        );
        await again.release();
      }
      t.ok(t.count >= 3, 'the sandbox is not listed');
    },
    { needs: { capability: 'inventory' } },
  ),
  must(
    'inventory/other-process',
    'inventory-own',
    'another process lists the same sandboxes',
    async (t) => {
      const group = t.word('group');
      const sandbox = await t.create({ labels: { group } });
      const answer = await t.otherProcess({ do: 'list', labels: { group } });
      t.equal(answer.ids, [sandbox.ref.id], 'sandboxes as another process sees them');
    },
    { needs: { capability: 'inventory', otherProcess: true } },
  ),
  undeclared('processes', 'processes', (sandbox) => sandbox.processes()),
  must(
    'processes/lists',
    'processes-list',
    'running processes are listed, ended ones are not',
    async (t) => {
      const sandbox = await t.create();
      const word = t.word('listed');
      await using process = await sandbox.spawn(['sh', '-c', 'while :; do sleep 1; done', word]);
      const listed = async (): Promise<boolean> =>
        (await sandbox.processes()).some(({ command }) => command.includes(word));
      await t.eventually(t.limits.prompt, listed, 'the process being listed');
      t.ok(
        (await sandbox.processes()).every(({ id }) => id.length > 0),
        'a process has no id',
      );
      await process.kill('SIGKILL');
      await t.eventually(
        t.limits.prompt,
        async () => !(await listed()),
        'the process being gone from the list',
      );
    },
    { needs: { capability: 'processes' } },
  ),
  undeclared('metrics', 'metrics', (sandbox) => sandbox.metrics()),
  must(
    'metrics/sane',
    'metrics-sane',
    'figures are numbers of this sandbox, and move with it',
    async (t) => {
      const sandbox = await t.create();
      const before = await sandbox.metrics();
      const figures = Object.entries(before).filter(([, value]) => value !== undefined);
      t.ok(figures.length > 0, 'no figure is known at all');
      for (const [name, value] of figures)
        t.ok(
          typeof value === 'number' && value >= 0 && Number.isFinite(value),
          `${name} is ${String(value)}`,
        );
      await using _busy = await sandbox.spawn('sleep 30 & sleep 30 & sleep 30 & sleep 30 & wait');
      if (before.pids !== undefined) {
        const { pids: least } = before;
        await t.eventually(
          t.limits.prompt,
          async () => ((await sandbox.metrics()).pids ?? 0) >= least + 4,
          'four more processes in pids',
        );
      }
    },
    { needs: { capability: 'metrics' } },
  ),
];
