import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { eventually, type Scenario } from './scenario.ts';

async function text(stream: ReadableStream<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts).toString();
}

/** Runs `other-process.ts` and returns what it prints. */
function elsewhere(stateDirectory: string, ...args: readonly string[]): Promise<unknown> {
  const script = path.join(import.meta.dirname, 'other-process.ts');
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [script, stateDirectory, ...args], (error, stdout, stderr) => {
      if (stdout === '') reject(new Error(`${error?.message ?? 'it said nothing'} ${stderr}`));
      else resolve(JSON.parse(stdout));
    });
  });
}

/** What holds of processes: listed, detached, attached to. */
export const processScenarios: readonly Scenario[] = [
  {
    name: 'lists what runs, a hostile command line cut short, and nothing of other sandboxes',
    async run({ provider }) {
      await using sandbox = await provider.create();
      await using other = await provider.create();
      await using _theirs = await other.spawn(['sleep', '777']);
      await using sleeper = await sandbox.spawn(['sleep', '555']);
      const long = 'y'.repeat(100_000);
      await using _hostile = await sandbox.spawn([
        'sh',
        '-c',
        'sleep 556; :',
        '\u001b[31m\n\u{1F600}',
        long,
      ]);
      await using _nameless = await sandbox.spawn(['perl', '-e', '$0 = ""; sleep 557']);
      await eventually(
        async () => (await sandbox.processes()).some(({ command }) => command === 'sleep 556'),
        'it runs',
      );
      const processes = await sandbox.processes();
      const found = processes.find(({ command }) => command === 'sleep 555');
      assert.equal(found?.pid, sleeper.pid);
      assert.equal(new Set(processes.map(({ id }) => id)).size, processes.length);
      assert.ok(processes.every(({ command }) => command.length <= 1_001 && command !== ''));
      assert.ok(processes.some(({ command }) => command.includes('\u001b[31m\n\u{1F600} yyy')));
      assert.ok(processes.every(({ command }) => command !== 'sleep 777'));
      await assert.rejects(sandbox.attach(found?.id ?? ''), { code: 'failed-precondition' });
      await sleeper.kill('SIGKILL');
      await sleeper.exit;
      assert.ok((await sandbox.processes()).every(({ id }) => id !== found?.id));
    },
  },
  {
    name: 'keeps a detached process of a killed client: output from any offset, and how it ended',
    async run({ provider, stateDirectory }) {
      await using sandbox = await provider.create();
      const ref = JSON.stringify(sandbox.ref);
      const line =
        'for i in 1 2 3 4 5 6; do echo line $i; echo err $i >&2; sleep 0.2; done; exit 9';
      const { id } = (await elsewhere(stateDirectory, 'detach', ref, line)) as { id: string };
      const listed = (await sandbox.processes()).find((one) => one.id === id);
      assert.match(listed?.command ?? '', /^\/bin\/sh -c for i in/);
      const process = await sandbox.attach(id, { stdoutOffset: 7, stderrOffset: 6 });
      assert.equal(process.pid, listed?.pid);
      assert.equal(await text(process.stdout), 'line 2\nline 3\nline 4\nline 5\nline 6\n');
      assert.equal(await text(process.stderr), 'err 2\nerr 3\nerr 4\nerr 5\nerr 6\n');
      assert.deepEqual(await process.exit, { code: 9 });
      // Ended meanwhile, and seen by yet another process.
      assert.deepEqual(await elsewhere(stateDirectory, 'attach', ref, id), {
        exit: { code: 9 },
        stdout: 'line 1\nline 2\nline 3\nline 4\nline 5\nline 6\n',
      });
      assert.ok((await sandbox.processes()).every((one) => one.id !== id));
    },
  },
  {
    name: 'lets a detached process write without a reader, and keeps its latest output at exact offsets',
    async run({ provider }) {
      await using sandbox = await provider.create();
      const process = await sandbox.spawn(
        `perl -e 'print "0123456789abcdef" x 300000'; echo end; exec sleep 1000`,
        { detached: true },
      );
      const id = process.id ?? '';
      const total = 16 * 300_000;
      await using attached = await sandbox.attach(id, { stdoutOffset: total });
      const reader = attached.stdout.getReader();
      assert.equal(Buffer.from((await reader.read()).value ?? []).toString(), 'end\n');
      const refused = await sandbox.attach(id).then(
        () => undefined,
        (error: { code: string; details: { firstOffset: number } }) => error,
      );
      assert.equal(refused?.code, 'out-of-range');
      const first = refused?.details.firstOffset ?? 0;
      assert.equal(first % 16, 0);
      assert.ok(first > 0 && first <= total - (1 << 20), 'at least the latest MiB is kept');
      await using late = await sandbox.attach(id, { stdoutOffset: first + 3 });
      const { value } = await late.stdout.getReader().read();
      assert.equal(Buffer.from(value ?? []).toString('latin1', 0, 5), '34567');
      await assert.rejects(text(process.stdout), { code: 'data-loss' });
      await late.kill('SIGKILL');
      assert.deepEqual(await process.exit, { signal: 'SIGKILL' });
    },
  },
  {
    name: 'gives a detached process its input, and refuses what it cannot have',
    async run({ provider }) {
      await using sandbox = await provider.create();
      const process = await sandbox.spawn('cat; exit 4', {
        detached: true,
        stdin: Buffer.from('given'),
      });
      assert.equal(await text(process.stdout), 'given');
      assert.deepEqual(await process.exit, { code: 4 });
      const detached = true;
      await assert.rejects(sandbox.spawn('cat', { detached, stdin: 'stream' }), {
        code: 'invalid-argument',
      });
      await assert.rejects(sandbox.spawn('x', { detached, cwd: '/none' }), {
        code: 'failed-precondition',
      });
      for (const id of ['d-0000000000000000', '../../record.json', '', 'd-0000000000000000/../x']) {
        await assert.rejects(sandbox.attach(id), { code: 'not-found' }, id);
      }
      await assert.rejects(sandbox.attach(process.id ?? '', { stdoutOffset: -1 }), {
        code: 'invalid-argument',
      });
      const controller = new AbortController();
      const { signal } = controller;
      await using killed = await sandbox.spawn('exec sleep 1234', { detached, signal });
      controller.abort();
      await assert.rejects(killed.exit, { code: 'cancelled' });
      const gone = async (): Promise<boolean> =>
        (await sandbox.processes()).every(({ command }) => command !== 'sleep 1234');
      await eventually(gone, 'an abort kills it');
    },
  },
  {
    name: 'tells an unknown end when the recorder was killed, and a broken link when the sandbox was',
    async run({ provider, stateDirectory }) {
      await using sandbox = await provider.create();
      const directory = path.join(stateDirectory, 'sandboxes', sandbox.ref.id, 'detached');
      const first = await sandbox.spawn('sleep 1000', { detached: true });
      const noted = readFileSync(path.join(directory, first.id ?? '', 'process.json'), 'utf8');
      process.kill(Number(/"recorder":\{"pid":(\d+)/.exec(noted)?.[1]), 'SIGKILL');
      assert.ok('unknown' in (await first.exit));
      await assert.rejects(text(first.stdout), { code: 'data-loss' });
      const second = await sandbox.spawn('sleep 1000', { detached: true });
      await (await provider.connect(sandbox.ref)).destroy();
      await assert.rejects(second.exit, { code: 'unavailable' });
      assert.deepEqual(readdirSync(path.join(stateDirectory, 'sandboxes')), []);
    },
  },
  {
    name: 'says which record of a detached process cannot be read',
    async run({ provider, stateDirectory }) {
      await using sandbox = await provider.create();
      const made = await sandbox.spawn('exec sleep 1000', { detached: true });
      const id = made.id ?? '';
      const file = path.join(
        stateDirectory,
        'sandboxes',
        sandbox.ref.id,
        'detached',
        id,
        'process.json',
      );
      const good = readFileSync(file, 'utf8');
      writeFileSync(file, '{"pid":1}');
      await assert.rejects(sandbox.attach(id), { code: 'data-loss' });
      writeFileSync(file, good);
      await using again = await sandbox.attach(id);
      await again.kill();
    },
  },
];
