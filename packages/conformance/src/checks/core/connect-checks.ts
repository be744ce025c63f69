import type { SandboxRef } from '@gantry/core';
import { faulty } from '@gantry/core/testing';
import { must, type Check } from '../../check.ts';
import { variableOf } from '../variable-of.ts';

const never = (id: string): SandboxRef['id'] => `never-${id.replaceAll(/[^a-z0-9]/g, '')}`;

export const connectChecks: readonly Check[] = [
  must(
    'core/inspect-passive',
    'inspect-passive',
    'inspect says running and changes nothing',
    async (t) => {
      const sandbox = await t.create();
      await sandbox.files.write('kept', 'kept');
      const first = await t.provider.inspect(sandbox.ref);
      const again = await Promise.all(
        Array.from({ length: 5 }, () => t.provider.inspect(sandbox.ref)),
      );
      for (const status of [first, ...again]) t.equal(status.state, 'running', 'state');
      if (first.expiresAt !== undefined) {
        t.ok(first.expiresAt > Date.now(), 'a running sandbox has expired by its own account');
        t.equal(again.at(-1)?.expiresAt, first.expiresAt, 'expiresAt after five more looks');
      }
      t.equal(await sandbox.files.readText('kept'), 'kept', 'a file after inspect');
    },
  ),
  must(
    'core/inspect-gone',
    'inspect-gone',
    'gone is said of what was never there and of what was destroyed',
    async (t) => {
      const sandbox = await t.create();
      const { ref } = sandbox;
      t.equal((await t.provider.inspect(ref)).state, 'running', 'state before destroy');
      await sandbox.destroy();
      t.equal((await t.provider.inspect(ref)).state, 'gone', 'state after destroy');
      const unknown = { ...ref, id: never(t.word()) };
      t.equal(
        (await t.provider.inspect(unknown)).state,
        'gone',
        'state of a sandbox that never was',
      );
    },
  ),
  must('core/inspect-fault', 'inspect-gone', 'a lost link is an error, never gone', async (t) => {
    const sandbox = await t.create();
    const rules = [{ operation: 'inspect', nth: 1, fault: { kind: 'fail' } }] as const;
    const provider = t.provider.wrap(faulty({ rules, seed: t.state.seed }));
    await t.rejects('unavailable', () => provider.inspect(sandbox.ref), 'inspect without a link');
    t.equal((await provider.inspect(sandbox.ref)).state, 'running', 'state with the link back');
    t.equal((await sandbox.exec('echo on')).stdout.text, 'on\n', 'a command afterwards');
  }),
  must(
    'core/connect-same',
    'connect-same',
    'connect reaches the same sandbox: files, processes, environment',
    async (t) => {
      const word = t.word('alive');
      const env = { GANTRY_SAME: word };
      const sandbox = await t.create({ manifest: { spec: 'gantry-manifest/1', env } });
      await sandbox.files.write('from-first', word);
      await using runner = await sandbox.spawn(
        'echo $$ > pid; while [ ! -e stop ]; do sleep 0.05; done; echo stopped > seen',
      );
      const again = await t.provider.connect(sandbox.ref);
      t.equal(again.ref, sandbox.ref, 'ref of the connected object');
      t.equal(await again.files.readText('from-first'), word, 'a file of the first client');
      t.equal(
        (await again.exec(variableOf('GANTRY_SAME'))).stdout.text,
        `${word}\n`,
        'environment',
      );
      t.succeeded(
        await again.exec('while [ ! -s pid ]; do sleep 0.02; done; kill -0 "$(cat pid)"'),
        'the process of the first client, seen by the second',
      );
      await again.files.write('stop', '');
      t.equal(
        await t.promptly(t.limits.prompt, runner.exit, 'the process'),
        { code: 0 },
        'its end',
      );
      t.equal(
        await sandbox.files.readText('seen'),
        'stopped\n',
        'what it saw of the second client',
      );
      await again.release();
      t.equal((await sandbox.exec('echo on')).stdout.text, 'on\n', 'the first client afterwards');
    },
  ),
  must(
    'core/connect-missing',
    'connect-missing',
    'connect rejects for what is gone, and makes nothing',
    async (t) => {
      const sandbox = await t.create();
      const { ref } = sandbox;
      await (await t.provider.connect(ref)).release();
      await sandbox.destroy();
      await t.rejects('not-found', () => t.provider.connect(ref), 'connect to a destroyed sandbox');
      const unknown = { ...ref, id: never(t.word()) };
      await t.rejects(
        'not-found',
        () => t.provider.connect(unknown),
        'connect to one that never was',
      );
      t.equal((await t.provider.inspect(ref)).state, 'gone', 'state after the attempts');
    },
  ),
  must(
    'core/other-process',
    'ref-cross-process',
    'a ref works in another process: inspect, connect, destroy',
    async (t) => {
      const sandbox = await t.create();
      const word = t.word();
      await sandbox.files.write('note', word);
      const { ref } = sandbox;
      t.equal(
        (await t.otherProcess({ do: 'inspect', ref })).state,
        'running',
        'state, asked elsewhere',
      );
      const answer = await t.otherProcess({
        do: 'exec',
        ref,
        command: 'cat note; echo more >> note',
      });
      t.equal(answer.stdout, word, 'a file, read elsewhere');
      t.equal(await sandbox.files.readText('note'), `${word}more\n`, 'what was written elsewhere');
      t.equal((await t.otherProcess({ do: 'destroy', ref })).error, undefined, 'destroy elsewhere');
      t.equal((await t.provider.inspect(ref)).state, 'gone', 'state afterwards');
    },
    { needs: { otherProcess: true } },
  ),
  must(
    'core/creator-gone',
    'ref-cross-process',
    'a sandbox lives on when the process that made it has ended',
    async (t) => {
      const made = await t.otherProcess({
        do: 'create',
        options: { labels: t.state.labels, maxLifetimeMs: 300_000 },
      });
      const ref = t.present(made.ref, `create in another process failed: ${made.error?.message}`);
      t.equal((await t.provider.inspect(ref)).state, 'running', 'state after its maker has ended');
      const sandbox = await t.provider.connect(ref);
      t.equal((await sandbox.exec('echo here')).stdout.text, 'here\n', 'a command in it');
      await sandbox.destroy();
      t.equal((await t.provider.inspect(ref)).state, 'gone', 'state after destroy');
    },
    { needs: { otherProcess: true } },
  ),
];
