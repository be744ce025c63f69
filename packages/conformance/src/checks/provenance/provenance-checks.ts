import type { RunFunction } from '@gantry/core/harness';
import { must, type Check } from '../../check.ts';
import { durable } from '../durable/durable-setting.ts';

const writes: RunFunction<void> = async (run) => {
  await run.step('write', async () => {
    await run.sandbox.files.write('folder/one', 'contents');
    await run.sandbox.files.write('two', 'more');
    await run.sandbox.exec('mkdir empty; ln -s two link; chmod 755 two');
  });
};

export const provenanceChecks: readonly Check[] = [
  must(
    'provenance/commands',
    'provenance-commands',
    'the record of a command has its sandbox, its end and a digest of what it printed',
    async (t) => {
      await using setting = await durable(t);
      const { harness, sandbox } = setting;
      const lines = [
        'printf same',
        'printf other',
        'printf same',
        'exit 3',
        'printf e >&2; exit 4',
      ];
      await harness.run('commands', { id: 'commands', sandbox }, async (run) => {
        for (const line of lines) await run.step(line, () => run.sandbox.exec(line).then(() => 1));
      });
      const events = await setting.events('commands');
      const commands = events.filter(({ type }) => type === 'command');
      t.equal(
        commands.map(({ facts }) => facts?.['exit']),
        [{ code: 0 }, { code: 0 }, { code: 0 }, { code: 3 }, { code: 4 }],
        'ends',
      );
      const [first, other, again] = commands.map(({ outputs }) => outputs);
      t.ok(first !== undefined && first === again, 'equal outputs have different digests');
      t.ok(first !== other, 'different outputs have the same digest');
      const [ref] = await setting.made('commands');
      const { provider, id } = t.present(ref, 'the record names no sandbox');
      t.equal(
        new Set(commands.map((event) => event.sandbox)),
        new Set([`${provider}/${id}`]),
        'the sandbox of the commands',
      );
      const { verdict, problems } = await harness.verify('commands');
      t.equal([verdict, problems], ['verified', []], 'the verdict on the record');
    },
    { extraMs: 15_000 },
  ),
  must(
    'provenance/trees',
    'provenance-trees',
    'equal workspaces have equal digests in the records of two runs',
    async (t) => {
      await using setting = await durable(t);
      const { harness, sandbox } = setting;
      const trees = await Promise.all(
        ['one', 'two'].map(async (id) => {
          await harness.run('writes', { id, sandbox }, writes);
          const saved = (await setting.events(id)).filter(({ type }) => type === 'checkpoint');
          return saved.map(({ after }) => after);
        }),
      );
      t.equal(trees[0]?.length, 1, 'checkpoints');
      t.equal(trees[0], trees[1], 'tree digests');
    },
    { extraMs: 15_000 },
  ),
  must(
    'provenance/ends',
    'provenance-ends',
    'every sandbox that a record calls destroyed is gone',
    async (t) => {
      await using setting = await durable(t);
      const { harness, sandbox } = setting;
      await harness.run('ends', { id: 'ends', sandbox }, async (run) => {
        await run.step('one', () => run.sandbox.exec('true').then(() => 1));
        await run.fanOut('two', [1, 2], (branch) =>
          branch.step('look', () => branch.sandbox.exec('true').then(() => 1)),
        );
      });
      const events = await setting.events('ends');
      const destroyed = events.filter(({ type }) => type === 'sandbox.destroyed');
      const refs = await setting.made('ends');
      t.equal([refs.length, destroyed.length], [3, 3], 'sandboxes made and destroyed');
      for (const ref of refs) t.equal((await t.provider.inspect(ref)).state, 'gone', 'state');
    },
    { extraMs: 15_000 },
  ),
];
