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

/** The times, in hundredths of a second, at which a process wrote a line. */
async function beats(sandbox: Sandbox, name: string): Promise<number[]> {
  const text = await sandbox.files.readText(name);
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => Number(line.split(' ')[1]) * 100);
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
      const line = (name: string): string =>
        `i=0; while [ ! -e stop ]; do i=$((i+1)); read -r up _ < /proc/uptime; echo $i $up >> ${name}; sleep 0.05; done`;
      await sandbox.exec(
        `(${line('child')}) >/dev/null 2>&1 & setsid sh -c '${line('session')}' >/dev/null 2>&1 & (sh -c '${line('orphan')}' >/dev/null 2>&1 &)`,
      );
      const names = ['child', 'session', 'orphan'];
      for (const name of names)
        await t.eventually(
          t.limits.command,
          () => sandbox.files.exists(name),
          `the start of ${name}`,
        );
      await sandbox.suspend('memory');
      const begin = performance.now();
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      const asleep = performance.now() - begin;
      const again = await t.provider.resume(sandbox.ref);
      for (const name of names) {
        const before = (await beats(again, name)).length;
        const more = async (): Promise<boolean> => (await beats(again, name)).length > before;
        await t.eventually(t.limits.command, more, `${name} going on`);
        const times = await beats(again, name);
        const gaps = times.map((time, index) => time - (times[index - 1] ?? time));
        // A process that ran cannot have been silent for so long, one that stood still must have been.
        const longest = Math.max(...gaps) * 10;
        t.ok(
          longest >= asleep - 20,
          `${name} was silent for ${longest} ms at most, though suspended for ${asleep} ms`,
        );
        const counts = (await again.files.readText(name)).split('\n').slice(0, -1);
        t.equal(Number(counts.at(-1)?.split(' ')[0]), counts.length, `what ${name} has counted to`);
      }
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
      const lifetime = 6_000;
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
