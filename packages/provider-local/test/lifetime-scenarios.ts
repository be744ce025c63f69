import { parseRef, type Sandbox, type SandboxRef } from '@gantry/core';
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import {
  assertNothingLeft,
  collectAll,
  type Context,
  eventually,
  namespaceOf,
  pidNamespace,
  processesIn,
  type RecordOnDisk,
  recordOf,
  type Scenario,
  shell,
} from './scenario.ts';

const program = path.join(import.meta.dirname, 'other-process.ts');

/** Does one thing in a process of its own, and returns what it printed. */
function elsewhere({ stateDirectory }: Context, ...args: string[]): Promise<unknown> {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [program, stateDirectory, ...args], (error, stdout, stderr) => {
      if (stdout !== '') resolve(JSON.parse(stdout));
      else reject(new Error(`${String(error?.message)} ${stderr}`));
    });
  });
}

const hasEnded = (namespace: string): boolean => processesIn(namespace).length === 0;

/** What holds of sandboxes from their making to their end. */
export const lifetimeScenarios: readonly Scenario[] = [
  {
    name: 'outlives a killed creator, is worked on and destroyed by other processes, and leaves nothing',
    async run(context) {
      const { provider } = context;
      const ref: SandboxRef = parseRef(await elsewhere(context, 'create'));
      const sandbox = await provider.connect(ref);
      const namespace = namespaceOf(context, sandbox);
      assert.equal(await sandbox.files.readText('from-creator'), 'made elsewhere');
      const text = JSON.stringify(ref);
      assert.deepEqual(await elsewhere(context, 'exec', text, 'cat from-creator; exit 7'), {
        exit: { code: 7 },
        stdout: 'made elsewhere',
      });
      assert.equal(await shell(sandbox, 'echo at the same time'), 'at the same time\n');
      assert.deepEqual(await elsewhere(context, 'destroy', text), { state: 'gone' });
      assert.ok(hasEnded(namespace), 'every process has ended');
      await assert.rejects(sandbox.exec('true'));
      await sandbox.release();
      await assert.rejects(provider.connect(ref), { code: 'not-found' });
      await provider.destroy(ref);
      assertNothingLeft(context);
    },
  },
  {
    name: 'leaves nothing after destroy, whatever the guest did to its files and processes',
    async run(context) {
      const sandbox = await context.provider.create();
      const namespace = namespaceOf(context, sandbox);
      await shell(
        sandbox,
        [
          'setsid sh -c "trap : TERM INT HUP; while :; do sleep 1; done" >/dev/null 2>&1 & :',
          'mkdir -p deep/closed; touch deep/closed/file "$(printf "\\377\\376 odd")"; mkfifo fifo',
          'ln -s /etc/passwd link; ln -s .. deep/up; chmod 000 deep/closed; chmod 000 deep',
        ].join('\n'),
      );
      assert.ok(processesIn(namespace).length >= 2);
      await sandbox.destroy();
      assert.ok(hasEnded(namespace));
      assertNothingLeft(context);
      await sandbox.destroy();
    },
  },
  {
    name: 'ends by itself at the end of its lifetime, and the next list removes what is left',
    async run(context) {
      const { provider } = context;
      const sandbox = await provider.create({ maxLifetimeMs: 4_000 });
      const namespace = namespaceOf(context, sandbox);
      const child = await sandbox.spawn('trap "" TERM HUP INT; setsid sleep 1000 & sleep 1000');
      const status = await provider.inspect(sandbox.ref);
      assert.equal(status.state, 'running');
      assert.ok(Math.abs((status.expiresAt ?? 0) - Date.now() - 4_000) < 4_000);
      await assert.rejects(child.exit, { code: 'unavailable', outcome: 'unknown' });
      await eventually(() => hasEnded(namespace), 'every process has ended');
      assert.deepEqual(await provider.inspect(sandbox.ref), { state: 'gone' });
      assert.deepEqual(await collectAll(provider.list()), []);
      assertNothingLeft(context);
      await sandbox.destroy();
    },
  },
  {
    name: 'is taken down by the kernel when its keeper is killed',
    async run(context) {
      const sandbox = await context.provider.create();
      const { keeper } = recordOf(context, sandbox);
      const namespace = namespaceOf(context, sandbox);
      const child = await sandbox.spawn(['sleep', '1000']);
      process.kill(keeper.pid, 'SIGKILL');
      await assert.rejects(child.exit, { code: 'unavailable', outcome: 'unknown' });
      await eventually(() => hasEnded(namespace), 'every process has ended');
      await sandbox.destroy();
      assertNothingLeft(context);
    },
  },
  {
    name: 'leaves nothing when a create is aborted, at whatever moment',
    async run(context) {
      for (const delay of [0, 2, 5, 8, 12, 16, 20, 30]) {
        const abort = new AbortController();
        const timer = setTimeout(() => abort.abort(), delay);
        try {
          const sandbox: Sandbox = await context.provider.create({ signal: abort.signal });
          await sandbox.destroy();
        } catch (error) {
          assert.equal((error as { code?: string }).code, 'cancelled', String(error));
        } finally {
          clearTimeout(timer);
        }
      }
      await eventually(async () => {
        await collectAll(context.provider.list());
        return readdirSync(path.join(context.stateDirectory, 'sandboxes')).length === 0;
      }, 'no directory is left');
      assertNothingLeft(context);
      const launchers = readdirSync('/proc')
        .filter((name) => /^\d+$/.test(name))
        .filter((name) => commandLine(name).includes(context.stateDirectory))
        .filter((name) => name !== String(process.pid) && /timeout|bwrap/.test(commandLine(name)));
      assert.deepEqual(launchers, []);
    },
  },
  {
    name: 'lists by labels, and never takes an unreadable record for an absence',
    async run(context) {
      const { provider, stateDirectory } = context;
      await using one = await provider.create({ labels: { team: 'a', run: '1' } });
      await using two = await provider.create({ labels: { team: 'a', run: '2' } });
      const ids = async (labels: Record<string, string>): Promise<string[]> =>
        (await collectAll(provider.list({ labels }))).map(({ ref }) => ref.id).toSorted();
      assert.deepEqual(await ids({ team: 'a' }), [one.ref.id, two.ref.id].toSorted());
      assert.deepEqual(await ids({ team: 'a', run: '2' }), [two.ref.id]);
      assert.deepEqual(await ids({ team: 'b' }), []);
      const file = path.join(stateDirectory, 'sandboxes', two.ref.id, 'record.json');
      const saved = readFileSync(file, 'utf8');
      const broken = [
        '',
        '{',
        '[]',
        '{"spec":"gantry-local/2"}',
        saved.replace(/"pid":\d+/, '"pid":1'),
      ];
      broken.push(saved.replace(two.ref.id, one.ref.id));
      for (const text of broken) {
        writeFileSync(file, text);
        const names = { code: 'data-loss', message: new RegExp(file) };
        await assert.rejects(provider.inspect(two.ref), names);
        await assert.rejects(provider.connect(two.ref), names);
        await assert.rejects(provider.destroy(two.ref), names);
        await assert.rejects(ids({}), { ...names, details: { files: [file] } });
        // The others are told all the same, before it.
        const told: string[] = [];
        await assert.rejects(async () => {
          for await (const { ref } of provider.list()) told.push(ref.id);
        }, names);
        assert.deepEqual(told, [one.ref.id]);
        const finding = (await provider.diagnose()).find(({ ok }) => !ok);
        assert.match(finding?.message ?? '', new RegExp(file));
      }
      writeFileSync(file, saved);
      assert.equal((await provider.inspect(two.ref)).state, 'running');
    },
  },
  {
    name: 'never takes another process for a sandbox because of its process id',
    async run(context) {
      const { provider, stateDirectory } = context;
      const sandbox = await provider.create();
      const file = path.join(stateDirectory, 'sandboxes', sandbox.ref.id, 'record.json');
      const record = JSON.parse(readFileSync(file, 'utf8')) as RecordOnDisk;
      const real = structuredClone(record);
      // As after a long time: the id belongs to this process now, which began at another moment.
      record.main.pid = process.pid;
      record.keeper.pid = process.pid;
      writeFileSync(file, JSON.stringify(record));
      assert.deepEqual(await provider.inspect(sandbox.ref), { state: 'gone' });
      await sandbox.destroy();
      // Where it has control groups, they still name it.
      if (real.cgroups.length === 0) {
        const message = 'the sandbox, which the record did not name, still runs';
        assert.ok(pidNamespace(real.main.pid), message);
        process.kill(real.main.pid, 'SIGKILL');
      }
      await eventually(() => pidNamespace(real.main.pid) === undefined, 'it has ended');
      assertNothingLeft(context);
    },
  },
];

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1');
  } catch {
    return '';
  }
}
