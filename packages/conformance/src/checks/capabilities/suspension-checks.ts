import type { Sandbox, SuspendMode } from '@gantry/core';
import { must, type Check } from '../../check.ts';
import type { CheckContext } from '../../runner/check-context.ts';

const needs = { capability: 'suspend' } as const;
const spec = 'gantry-manifest/1' as const;

/** Whether a mode is declared. One that is not must be refused. */
async function declares(t: CheckContext, mode: SuspendMode): Promise<boolean> {
  if (t.capabilities.suspend?.modes.includes(mode)) return true;
  const { sandbox } = await t.shared();
  await t.rejects('unsupported', () => sandbox.suspend(mode), `suspend to ${mode}`);
  return false;
}

/** A loop that writes a line, with a count of its own and the time, until it is told to stop. */
const counting = (name: string): string =>
  `i=0; while [ ! -e stop ]; do i=$((i+1)); read -r up _ < /proc/uptime; echo $i $up >> ${name}; sleep 0.05; done`;

/** What such a loop has written: its counts, and the longest time in which it wrote nothing. */
async function counted(
  sandbox: Sandbox,
  name: string,
): Promise<{ counts: number[]; silentMs: number }> {
  const lines = (await sandbox.files.readText(name)).split('\n').slice(0, -1);
  const times = lines.map((line) => Number(line.split(' ')[1]) * 1_000);
  const gaps = times.map((time, index) => time - (times[index - 1] ?? time));
  return { counts: lines.map((line) => Number(line.split(' ')[0])), silentMs: Math.max(...gaps) };
}

/** Suspends, looks on for a while and resumes. Returns how long the sandbox was suspended at the least. */
async function asleep(
  t: CheckContext,
  sandbox: Sandbox,
  meanwhile: () => Promise<void>,
): Promise<{ again: Sandbox; sleptMs: number }> {
  await sandbox.suspend('memory');
  const begin = performance.now();
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  await meanwhile();
  // The clock that the guest reads has a resolution of 10 ms.
  const sleptMs = performance.now() - begin - 20;
  return { again: await t.provider.resume(sandbox.ref), sleptMs };
}

export const suspensionChecks: readonly Check[] = [
  must(
    'suspend/state',
    'suspend-state',
    'a suspended sandbox says so, and is not to be used',
    async (t) => {
      const group = t.word('group');
      const sandbox = await t.create({ labels: { group } });
      const beside = await t.provider.connect(sandbox.ref);
      await sandbox.suspend();
      t.equal((await t.provider.inspect(sandbox.ref)).state, 'suspended', 'state');
      if (t.capabilities.inventory) {
        const states: string[] = [];
        for await (const { state } of t.provider.list({ labels: { group } })) states.push(state);
        t.equal(states, ['suspended'], 'states in the inventory');
      }
      const refused: Readonly<Record<string, () => Promise<unknown>>> = {
        exec: () => sandbox.exec('touch ran'),
        'exec of another object': () => beside.exec('touch ran'),
        'files.read': () => sandbox.files.readText('ran'),
        connect: () => t.provider.connect(sandbox.ref),
        'a second suspend': () => sandbox.suspend(),
      };
      for (const [name, work] of Object.entries(refused)) {
        await t.rejects('failed-precondition', t.promptly(t.limits.command, work(), name), name);
      }
      const again = await t.provider.resume(sandbox.ref);
      t.equal(await again.files.exists('ran'), false, 'whether a refused command ran');
      await again.release();
    },
    { needs },
  ),
  must(
    'suspend/memory',
    'suspend-memory',
    'suspended to memory, no process runs, and each goes on where it was',
    async (t) => {
      if (!(await declares(t, 'memory'))) return;
      const sandbox = await t.create();
      // A child, one in a session of its own, and an orphan; each counts in its own memory.
      await sandbox.exec(
        `(${counting('child')}) >/dev/null 2>&1 & setsid sh -c '${counting('session')}' >/dev/null 2>&1 & (sh -c '${counting('orphan')}' >/dev/null 2>&1 &)`,
      );
      const names = ['child', 'session', 'orphan'];
      for (const name of names)
        await t.eventually(t.limits.command, () => sandbox.files.exists(name), `${name} starting`);
      const { again, sleptMs } = await asleep(t, sandbox, async () => undefined);
      for (const name of names) {
        const before = (await counted(again, name)).counts.length;
        const more = async (): Promise<boolean> =>
          (await counted(again, name)).counts.length > before;
        await t.eventually(t.limits.command, more, `${name} going on`);
        const { counts, silentMs } = await counted(again, name);
        t.ok(
          silentMs >= sleptMs,
          `${name} was silent for ${silentMs} ms at most, though suspended for ${sleptMs} ms`,
        );
        t.equal(counts.at(-1), counts.length, `what ${name} has counted to`);
      }
      await again.files.write('stop', '');
      await again.release();
    },
    { needs },
  ),
  must(
    'suspend/stands-still',
    'suspend-stops',
    'nothing runs while a sandbox is suspended, and looking does not wake it',
    async (t) => {
      if (!(await declares(t, 'memory'))) return;
      const sandbox = await t.create();
      await sandbox.exec(`(${counting('beat')}) >/dev/null 2>&1 &`);
      await t.eventually(t.limits.command, () => sandbox.files.exists('beat'), 'the heart-beat');
      const { again, sleptMs } = await asleep(t, sandbox, async () => {
        for (let look = 0; look < 3; look++)
          t.equal((await t.provider.inspect(sandbox.ref)).state, 'suspended', 'state');
        await t.rejects('failed-precondition', () => t.provider.connect(sandbox.ref), 'connect');
        await t.rejects('failed-precondition', () => sandbox.exec('echo on'), 'exec');
      });
      const before = (await counted(again, 'beat')).counts.length;
      const more = async (): Promise<boolean> =>
        (await counted(again, 'beat')).counts.length > before;
      await t.eventually(t.limits.command, more, 'the heart beating again');
      const { silentMs } = await counted(again, 'beat');
      t.ok(silentMs >= sleptMs, `the heart stood still for ${silentMs} of ${sleptMs} ms`);
      await again.files.write('stop', '');
      await again.release();
    },
    { needs },
  ),
  must(
    'suspend/disk',
    'suspend-disk',
    'suspended to disk, processes end, and all else is as it was',
    async (t) => {
      if (!(await declares(t, 'disk'))) return;
      const marker = t.word('marker');
      const resources = t.capabilities.resources?.settable.includes('pids') ? { pids: 100 } : {};
      const manifest = { spec, env: { KEPT: 'kept' }, resources };
      const sandbox = await t.create({ manifest });
      await sandbox.files.write('file', 'as it was', { mode: 0o640 });
      await sandbox.exec(`ln -s file link; mkdir empty`);
      await using running = await sandbox.spawn(['sh', '-c', 'while :; do sleep 1; done', marker]);
      await sandbox.suspend('disk');
      t.equal(await t.hostProcesses(marker), [], 'processes that run on');
      await t.promptly(t.limits.prompt, Promise.allSettled([running.exit]), 'the end of a process');
      const again = await t.provider.resume(sandbox.ref);
      t.equal(again.ref, sandbox.ref, 'ref');
      t.equal(
        (await again.exec('cat link; stat -c " %a" file; ls -d empty; echo "$KEPT"')).stdout.text,
        'as it was 640\nempty\nkept\n',
        'workspace and environment',
      );
      t.equal(again.capabilities.traits.limits, sandbox.capabilities.traits.limits, 'limits');
      const bomb =
        'i=0; while [ $i -lt 200 ]; do i=$((i+1)); sleep 20 >/dev/null 2>&1 & done; echo all';
      if (resources.pids !== undefined) {
        await using bombing = await again.spawn(bomb, { timeoutMs: t.limits.check });
        const said = await t.promptly(
          t.limits.command,
          new Response(bombing.stdout).text(),
          'forks',
        );
        t.equal(said, '', 'what a bomb of 200 says where 100 processes are allowed');
      }
      await again.release();
    },
    { needs, extraMs: 10_000 },
  ),
  must(
    'suspend/lifetime',
    'suspend-lifetime',
    'a suspended sandbox ends at its time',
    async (t) => {
      const lifetime = 2 * t.limits.lifetime;
      const sandbox = await t.create({ maxLifetimeMs: lifetime });
      await sandbox.suspend();
      const gone = async (): Promise<boolean> => {
        const { state } = await t.provider.inspect(sandbox.ref);
        return state === 'gone' || state === 'stopped';
      };
      await t.eventually(lifetime + t.limits.settle, gone, 'the end of a suspended sandbox');
      await t.rejects('not-found', () => t.provider.resume(sandbox.ref), 'resume after its time');
    },
    { needs, extraMs: 8_000 },
  ),
  must(
    'suspend/resume-running',
    'resume-running',
    'to resume what runs connects to it; what is gone is not-found',
    async (t) => {
      const sandbox = await t.create();
      await sandbox.exec(
        '(while [ ! -e stop ]; do sleep 0.05; done) >/dev/null 2>&1 & echo $! > pid',
      );
      const again = await t.provider.resume(sandbox.ref);
      t.equal(again.ref, sandbox.ref, 'ref');
      t.succeeded(await again.exec('kill -0 "$(cat pid)"'), 'a process of the sandbox');
      t.equal((await sandbox.exec('echo on')).stdout.text, 'on\n', 'a command of the first object');
      await again.files.write('stop', '');
      await again.release();
      await sandbox.destroy();
      await t.rejects('not-found', () => t.provider.resume(sandbox.ref), 'resume of what is gone');
    },
    { needs },
  ),
];
