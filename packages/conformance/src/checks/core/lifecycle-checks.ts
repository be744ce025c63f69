import type { SandboxRef } from '@gantry/core';
import { faulty } from '@gantry/core/testing';
import { must, type Check } from '../../check.ts';

const never = (id: string): SandboxRef['id'] => `never-${id.replaceAll(/[^a-z0-9]/g, '')}`;

export const lifecycleChecks: readonly Check[] = [
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
    'core/exit-let-go',
    'exit-let-go',
    'the exit of a process settles when its sandbox object is let go of',
    async (t) => {
      const sandbox = await t.create();
      for (const end of ['release', 'destroy'] as const) {
        const object = end === 'release' ? await t.provider.connect(sandbox.ref) : sandbox;
        const process = await object.spawn('touch ran; while :; do sleep 1; done');
        await t.eventually(t.limits.command, () => sandbox.files.exists('ran'), 'its start');
        await object[end]();
        const settled = Promise.allSettled([process.exit]);
        const [exit] = await t.promptly(t.limits.prompt, settled, `its exit after ${end}`);
        if (exit.status === 'fulfilled') continue;
        const error = await t.rejects('unavailable', process.exit, `its exit after ${end}`);
        t.equal(error.outcome, 'unknown', `outcome after ${end}`);
      }
    },
  ),
  must(
    'core/lifetime-maximum',
    'lifetime-maximum',
    'a sandbox ends by itself at the end of its lifetime',
    async (t) => {
      const marker = t.word('marker');
      const sandbox = await t.create({ maxLifetimeMs: t.limits.lifetime });
      await sandbox.exec(`setsid sh -c 'while :; do sleep 1; done' ${marker} >/dev/null 2>&1 &`);
      t.equal((await t.provider.inspect(sandbox.ref)).state, 'running', 'state at first');
      const gone = async (): Promise<boolean> =>
        (await t.provider.inspect(sandbox.ref)).state === 'gone';
      await t.eventually(t.limits.lifetime + t.limits.settle, gone, 'the end of its lifetime');
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
        options: { labels: t.state.labels, maxLifetimeMs: t.limits.lifetime },
      });
      const ref = t.present(made.ref, `create in another process failed: ${made.error?.message}`);
      const gone = async (): Promise<boolean> => (await t.provider.inspect(ref)).state === 'gone';
      await t.eventually(
        t.limits.lifetime + t.limits.settle,
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
