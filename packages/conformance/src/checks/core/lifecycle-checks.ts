import type { SandboxRef } from '@gantry/core';
import { faulty } from '@gantry/core/testing';
import { must, type Check } from '../../check.ts';

const never = (id: string): SandboxRef['id'] => `never-${id.replaceAll(/[^a-z0-9]/g, '')}`;

export const lifecycleChecks: readonly Check[] = [
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
        (await again.exec(['printenv', 'GANTRY_SAME'])).stdout.text,
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
  must(
    'core/release',
    'release-local',
    'release lets go and leaves the sandbox running; twice is fine',
    async (t) => {
      const sandbox = await t.create();
      await sandbox.files.write('kept', 'kept');
      await sandbox.exec(
        'while [ ! -e stop ]; do sleep 0.05; done > /dev/null 2>&1 & echo $! > pid',
      );
      await sandbox.release();
      await sandbox.release();
      t.equal((await t.provider.inspect(sandbox.ref)).state, 'running', 'state after release');
      const again = await t.provider.connect(sandbox.ref);
      t.equal(await again.files.readText('kept'), 'kept', 'a file after release');
      t.succeeded(await again.exec('kill -0 "$(cat pid)"'), 'a background process after release');
      await again.release();
    },
  ),
  must(
    'core/destroy-idempotent',
    'destroy-idempotent',
    'destroy needs no handle, and may be repeated',
    async (t) => {
      const sandbox = await t.create();
      t.equal((await sandbox.exec('echo up')).stdout.text, 'up\n', 'a command before');
      await t.provider.destroy(sandbox.ref);
      await t.provider.destroy(sandbox.ref);
      t.equal((await t.provider.inspect(sandbox.ref)).state, 'gone', 'state');
      await t.promptly(
        t.limits.prompt,
        t.provider.destroy({ ...sandbox.ref, id: never(t.word()) }),
        'destroying what never was',
      );
      await sandbox.destroy();
    },
  ),
  must(
    'core/destroy-complete',
    'destroy-complete',
    'nothing of a destroyed sandbox runs on',
    async (t) => {
      const marker = t.word('marker');
      const sandbox = await t.create();
      // A plain child, a detached one and an orphan, all with the marker in their command line.
      const loop = `exec sh -c 'while :; do sleep 1; done' ${marker}`;
      await sandbox.exec(
        `(${loop}) >/dev/null 2>&1 & (setsid sh -c "${loop.replaceAll('"', '\\"')}" >/dev/null 2>&1 &) ; touch started`,
      );
      t.ok(await sandbox.files.exists('started'), 'the background processes were not started');
      const open = await sandbox.spawn(['sh', '-c', 'while :; do sleep 1; done', marker]);
      const before = await t.hostProcesses(marker);
      const begin = performance.now();
      await sandbox.destroy();
      t.equal((await t.provider.inspect(sandbox.ref)).state, 'gone', 'state');
      if (before !== undefined && before.length > 0) {
        t.equal(
          await t.hostProcesses(marker),
          [],
          'processes of the destroyed sandbox on the host',
        );
      }
      await t.promptly(
        t.limits.prompt,
        Promise.allSettled([open.exit]),
        'the open process after destroy',
      );
      await t.rejects(
        ['not-found', 'failed-precondition'],
        () => t.provider.connect(sandbox.ref),
        'connect',
      );
      t.ok(performance.now() - begin < t.limits.destroy, 'destroy took too long');
    },
  ),
  must(
    'core/destroy-failure',
    'destroy-complete',
    'a failure to destroy rejects, and a second try succeeds',
    async (t) => {
      const rules = [{ operation: 'destroy', nth: 1, fault: { kind: 'fail' } }] as const;
      const provider = t.provider.wrap(faulty({ rules, seed: t.state.seed }));
      const sandbox = await t.create({}, provider);
      await t.rejects('unavailable', () => sandbox.destroy(), 'destroy without a link');
      t.equal((await t.provider.inspect(sandbox.ref)).state, 'running', 'state after the failure');
      await sandbox.destroy();
      t.equal((await t.provider.inspect(sandbox.ref)).state, 'gone', 'state after the second try');
    },
  ),
  must(
    'core/dispose',
    'dispose-ownership',
    'dispose destroys what was created and releases what was connected',
    async (t) => {
      const sandbox = await t.create();
      {
        await using connected = await t.provider.connect(sandbox.ref);
        t.equal(
          (await connected.exec('echo in')).stdout.text,
          'in\n',
          'a command of the connected object',
        );
      }
      t.equal(
        (await t.provider.inspect(sandbox.ref)).state,
        'running',
        'state after disposing a connection',
      );
      await sandbox[Symbol.asyncDispose]();
      t.equal(
        (await t.provider.inspect(sandbox.ref)).state,
        'gone',
        'state after disposing the creator',
      );
    },
  ),
  must(
    'core/after-end',
    'after-release',
    'a released or destroyed object refuses to work',
    async (t) => {
      const sandbox = await t.create();
      const connected = await t.provider.connect(sandbox.ref);
      t.equal((await connected.exec('echo in')).stdout.text, 'in\n', 'a command before release');
      await connected.release();
      await t.rejects('failed-precondition', () => connected.exec('true'), 'exec after release');
      await t.rejects(
        'failed-precondition',
        () => connected.files.list('.'),
        'files after release',
      );
      await sandbox.destroy();
      await t.rejects('failed-precondition', () => sandbox.exec('true'), 'exec after destroy');
      await t.rejects(
        'failed-precondition',
        () => sandbox.restricted().exec('true'),
        'restricted exec',
      );
    },
  ),
  must(
    'core/lifetime-maximum',
    'lifetime-maximum',
    'a sandbox ends by itself at the end of its lifetime',
    async (t) => {
      const marker = t.word('marker');
      const sandbox = await t.create({ maxLifetimeMs: 2_000 });
      await sandbox.exec(`setsid sh -c 'while :; do sleep 1; done' ${marker} >/dev/null 2>&1 &`);
      t.equal((await t.provider.inspect(sandbox.ref)).state, 'running', 'state at first');
      const gone = async (): Promise<boolean> =>
        (await t.provider.inspect(sandbox.ref)).state === 'gone';
      await t.eventually(2_000 + t.limits.settle, gone, 'the end of a lifetime of two seconds');
      const ended = async (): Promise<boolean> =>
        ((await t.hostProcesses(marker)) ?? []).length === 0;
      await t.eventually(t.limits.prompt, ended, 'the end of its processes on the host');
      await t.rejects(
        ['not-found', 'failed-precondition'],
        () => t.provider.connect(sandbox.ref),
        'connect',
      );
    },
    { extraMs: 4_000 },
  ),
  must(
    'core/lifetime-creator-gone',
    'lifetime-maximum',
    'a sandbox ends at its time though its maker is long gone',
    async (t) => {
      const made = await t.otherProcess({
        do: 'create',
        options: { labels: t.state.labels, maxLifetimeMs: 2_000 },
      });
      const ref = t.present(made.ref, `create in another process failed: ${made.error?.message}`);
      const gone = async (): Promise<boolean> => (await t.provider.inspect(ref)).state === 'gone';
      await t.eventually(
        2_000 + t.limits.settle,
        gone,
        'the end of a sandbox whose maker has ended',
      );
    },
    { needs: { otherProcess: true }, extraMs: 4_000 },
  ),
  must(
    'core/leak-free',
    'lifetime-nothing-outlives',
    'the whole run leaves nothing behind',
    async (t) => {
      const { recorded, labels } = t.state;
      t.ok(recorded.size > 0, 'the run recorded no sandbox at all');
      for (const { ref, check, problem } of recorded.values()) {
        t.ok(problem === undefined, `the sandbox of ${check} could not be destroyed: ${problem}`);
        const { state } = await t.provider.inspect(ref);
        t.ok(state === 'gone', `the sandbox of ${check} is ${state} after the run`);
      }
      if (!t.capabilities.inventory) return;
      const left: string[] = [];
      for await (const { ref } of t.provider.list({ labels })) left.push(ref.id);
      t.equal(left, [], "sandboxes in the inventory with this run's label");
    },
    { phase: 'end' },
  ),
];
