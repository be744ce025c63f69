import { execFile } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { Daytona } from '@daytonaio/sdk';
import { type Sandbox, SandboxError } from '@gantry/core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { daytona } from '../src/index.ts';
import { type Emulated, requestsTo } from '../../../tests/emulated-provider.ts';
import { startEmulated } from './emulated.ts';

// What is particular to this vendor, over its SDK and its emulator; the suite looks at the contract itself.

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let emulated: Emulated;
let sandbox: Sandbox;

beforeAll(async () => {
  emulated = await startEmulated();
  sandbox = await emulated.provider.create({
    labels: { job: 'one two', 'a/b': '1%2' },
    // Longer than any test moves the clock.
    maxLifetimeMs: 80_000_000,
    manifest: { spec: 'gantry-manifest/1', env: { LINES: "it's\ntwo" } },
  });
});
afterAll(() => emulated[Symbol.asyncDispose]());

const requestsSince = (before: number): readonly string[] =>
  emulated.emulator
    .requests()
    .slice(before)
    .map(
      ({ method, path }) =>
        `${method} ${path.replace(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'ID')}`,
    );

describe('commands', () => {
  test('have both outputs as bytes, whatever the vendor would make of them', async () => {
    // The vendor's markers, a text without an end of line, and what is no text at all.
    const line = String.raw`printf '\001\001\001a\002\002\002\000\377!,'; printf 'e\n\001\001\001' >&2; exit 7`;
    const { exit, stdout, stderr } = await sandbox.exec(line);
    expect(exit).toEqual({ code: 7 });
    expect([...stdout.bytes]).toEqual([1, 1, 1, 97, 2, 2, 2, 0, 255, 33, 44]);
    expect([...stderr.bytes]).toEqual([101, 10, 1, 1, 1]);
    expect(
      (await sandbox.exec('printf "%s|$MORE" "$LINES"', { env: { MORE: "'$x'\n" } })).stdout.text,
    ).toBe("it's\ntwo|'$x'\n");
  });

  test('take one call each and one session between them', async () => {
    await sandbox.exec('true');
    const before = emulated.emulator.requests().length;
    for (const word of ['a', 'b', 'c']) {
      expect((await sandbox.exec(['printf', word])).stdout.text).toBe(word);
    }
    expect(requestsSince(before)).toEqual(
      Array.from({ length: 3 }, () => 'POST /toolbox/ID/process/session/gantry-ID/exec'),
    );
  });

  test('that are not read are held, and go on when they are', async () => {
    await using flood = await sandbox.spawn('head -c 6000000 /dev/zero; echo over');
    const reader = flood.stdout.getReader();
    await reader.read();
    const held = (): number => requestsTo(emulated, /process\/execute$/).length - before;
    const before = requestsTo(emulated, /process\/execute$/).length;
    await vi.waitUntil(() => held() > 0, { timeout: 100_000 });
    let bytes = 0;
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      bytes += value.length;
    }
    expect(bytes).toBeGreaterThan(5_000_000);
    expect(await flood.exit).toEqual({ code: 0 });
  });

  test('find another session when the guest has ended theirs', async () => {
    // Every shell of the vendor's, the command's own too.
    const fatal = sandbox.exec('pkill -KILL -f norc');
    await expect(fatal).rejects.toMatchObject({ code: 'unavailable', outcome: 'unknown' });
    expect((await sandbox.exec('echo fine')).stdout.text).toBe('fine\n');
  });

  test('are fed as they go, in pieces short and long', async () => {
    const command = ['sh', '-c', 'read a; echo "<$a>"; wc -c'] as const;
    await using counting = await sandbox.spawn(command, { stdin: 'stream' });
    const writer = counting.stdin?.getWriter();
    await writer?.write(Buffer.from('first\n'));
    const reader = counting.stdout.getReader();
    expect(Buffer.from((await reader.read()).value ?? []).toString()).toBe('<first>\n');
    await writer?.write(new Uint8Array(400_000));
    await writer?.write(new Uint8Array(7));
    await writer?.close();
    expect(
      Buffer.from((await reader.read()).value ?? [])
        .toString()
        .trim(),
    ).toBe('400007');
    expect(await counting.exit).toEqual({ code: 0 });
  });

  test('that somebody leaves behind go on, and say so', async () => {
    const result = await sandbox.exec('sleep 7654321 & echo started');
    expect([result.stdout.text, result.lingering]).toEqual(['started\n', true]);
    await sandbox.exec('pkill -f 7654321');
  });

  test('in a terminal are the terminal itself, from its size on', async () => {
    const command = 'stty size; read line; echo "<$line>"; exit 3';
    const terminal = await sandbox.terminal({ command, size: { columns: 91, rows: 31 } });
    await terminal.input.getWriter().write(Buffer.from('typed\n'));
    const screen = await new Response(terminal.output).text();
    // What is typed early is echoed early.
    expect(screen.replace(/^typed\r\n/, '')).toMatch(/^31 91\r\n(?:typed\r\n)?<typed>\r\n$/);
    expect(await terminal.exit).toEqual({ code: 3 });
    const missing = sandbox.terminal({ command: 'true', cwd: '/nowhere' });
    await expect(missing).rejects.toMatchObject({ details: { reason: 'cwd' } });
  });
});

test('files are any bytes under any name, and long ones go by the file API', async () => {
  const bytes = new Uint8Array(1_500_000).map((_, index) => (index * 7) % 256);
  const before = emulated.emulator.requests().length;
  await sandbox.files.write("dir/it's ü\n-n", bytes, { mode: 0o600 });
  expect(Buffer.from(await sandbox.files.readBytes("dir/it's ü\n-n")).equals(bytes)).toBe(true);
  expect(await sandbox.files.stat("dir/it's ü\n-n")).toMatchObject({ mode: 0o600 });
  const moved = requestsSince(before).filter((line) => line.includes('/files/bulk-'));
  expect(moved).toHaveLength(2);
  expect((await sandbox.exec('ls -A /tmp | grep -c "^.gantry"')).stdout.text).toBe('0\n');
  await sandbox.exec('chmod 000 dir/*');
  await expect(sandbox.files.read("dir/it's ü\n-n")).rejects.toMatchObject({
    code: 'permission-denied',
  });
});

test('fifty files take no more than three calls of the vendor', async () => {
  await using fresh = await emulated.provider.create();
  await fresh.exec('true');
  const before = emulated.emulator.requests().length;
  const entries = Object.fromEntries(
    Array.from({ length: 50 }, (_, index) => [
      `folder-${index % 5}/file-${index}`,
      { type: 'file', text: `contents of ${index}\n`.repeat(50) } as const,
    ]),
  );
  const receipt = await fresh.apply({ spec: 'gantry-manifest/1', entries });
  expect(receipt.entries).toHaveLength(55);
  // One by one: the log is written when an answer has ended.
  await fresh.exec('true');
  expect(requestsSince(before).slice(0, -1).length).toBeLessThanOrEqual(3);
});

test("a file that holds what ends a part of the vendor's form is never a shorter one", async () => {
  const bytes = Buffer.from(`a\r\n--DAYTONA-FILE-BOUNDARY\r\nb${'c'.repeat(200_000)}`);
  await sandbox.files.write('boundary', bytes);
  const read = sandbox.files.readBytes('boundary');
  await expect(read).rejects.toMatchObject({ code: 'unavailable', outcome: 'unknown' });
  // Part of it comes by commands, whatever it holds.
  const part = await sandbox.files.readBytes('boundary', { offset: 0, length: 30 });
  expect(Buffer.from(part).equals(bytes.subarray(0, 30))).toBe(true);
});

test('a process ends although a command and a terminal that it started go on', async () => {
  const script = `
import { daytona } from '@gantry/provider-daytona';
const sandbox = await daytona().connect(JSON.parse(process.argv[1]));
const running = await sandbox.spawn('sleep 7654323; echo late');
const terminal = await sandbox.terminal({ command: 'sleep 7654324' });
for (const each of [running, terminal]) each.exit.catch((error) => console.log(error.code));
await sandbox.release();
`;
  await using own = await emulated.provider.create();
  const args = ['--input-type=module', '-e', script, JSON.stringify(own.ref)];
  const env = { ...process.env, ...emulated.emulator.environment };
  const options = { cwd: import.meta.dirname, env, timeout: 100_000 };
  // It would have to be killed at the end of that time.
  const { stdout } = await promisify(execFile)(process.execPath, args, options);
  expect(stdout).toBe('unavailable\nunavailable\n');
  const { key: apiKey, url } = emulated.emulator;
  await using vendor = new Daytona({ apiKey, apiUrl: `${url}/api`, target: 'us' });
  const { process: processes } = await vendor.get(own.ref.id);
  const count = async (pattern: string): Promise<string> =>
    (await processes.executeCommand(`pgrep -fc '${pattern}'`)).result;
  expect(await count('^sleep 765432[34]')).toBe('2\n');
  // The shell of the session goes with its command, though nobody follows it any more.
  expect(await count('^/bin/bash --norc')).not.toBe('0\n');
  await processes.executeCommand('pkill -f "^sleep 7654323"');
  const gone = async (): Promise<boolean> => (await count('^/bin/bash --norc')) === '0\n';
  await vi.waitUntil(gone, { timeout: 100_000, interval: 200 });
});

test('a port is reached with the headers that come with its address', async () => {
  await using server = await sandbox.spawn(['python3', '-m', 'http.server', '8123'], {
    cwd: '/etc',
  });
  const { url, headers } = await sandbox.expose(8123);
  await vi.waitUntil(
    async () => {
      const answer = await fetch(`${url}/hostname`, { headers });
      await answer.arrayBuffer();
      return answer.status === 200;
    },
    { timeout: 100_000 },
  );
  expect((await fetch(`${url}/hostname`)).status).toBe(401);
  await server.kill('SIGKILL');
});

test('a port is reached by a signed link and nothing else, where that is asked for', async () => {
  const { key: apiKey, url: place } = emulated.emulator;
  const options = { apiKey, apiUrl: `${place}/api`, target: 'us', signedPreviewSeconds: 600 };
  const again = await daytona(options).connect(sandbox.ref);
  const { url, headers } = await again.expose(8124);
  expect(headers).toEqual({});
  expect(new URL(url).hostname).toMatch(/^8124-[0-9a-f]{40}\.localhost$/);
  await again.release();
});

describe('life', () => {
  test('a sandbox is found again, by its ref and by its labels, and tells no secret', async () => {
    expect(JSON.stringify(sandbox.ref)).not.toContain(emulated.emulator.key);
    const again = await emulated.provider.connect(sandbox.ref);
    expect((await again.exec('printf "$LINES"')).stdout.text).toBe("it's\ntwo");
    await again.release();
    const labels = { job: 'one two', 'a/b': '1%2' };
    const listed = await Array.fromAsync(emulated.provider.list({ labels }));
    const time = expect.any(Number) as number;
    expect(listed).toEqual([
      { ref: sandbox.ref, state: 'running', labels, createdAt: time, expiresAt: time },
    ]);
    expect(await Array.fromAsync(emulated.provider.list({ labels: { job: 'one' } }))).toEqual([]);
  });

  test('it ends after whole minutes, later when that is asked for, and not for being idle', async () => {
    const { clock } = emulated.emulator;
    const short = emulated.provider.create({ maxLifetimeMs: 59_000 });
    await expect(short).rejects.toMatchObject({ code: 'unsupported' });
    const made = await emulated.provider.create({ maxLifetimeMs: 30 * 60_000 });
    await clock.advance(29 * 60_000);
    expect((await made.inspect()).state).toBe('running');
    const wanted = clock.now() + 90 * 60_000;
    expect(await made.extendLifetime(wanted)).toBeGreaterThanOrEqual(wanted);
    await clock.advance(60 * 60_000);
    expect((await made.inspect()).state).toBe('running');
    await clock.advance(120 * 60_000);
    expect((await made.inspect()).state).toBe('gone');
    await expect(made.exec('true')).rejects.toMatchObject({ code: 'not-found' });
  });

  test('is waited for by events, and not asked for again and again', async () => {
    const before = emulated.emulator.requests().length;
    await using made = await emulated.provider.create();
    await made.suspend('disk');
    await (await emulated.provider.resume(made.ref)).release();
    const asked = requestsSince(before).filter((line) => /^GET \/api\/sandbox\/ID$/.test(line));
    // Some look once, before they wait.
    expect(asked.length).toBeLessThanOrEqual(8);
  });

  test('an archived sandbox is suspended, and comes back as it was', async () => {
    const { key: apiKey, url } = emulated.emulator;
    const vendor = new Daytona({ apiKey, apiUrl: `${url}/api`, target: 'us' });
    const made = await emulated.provider.create({ maxLifetimeMs: 80_000_000 });
    await made.files.write('kept', 'yes');
    await made.suspend('disk');
    await (await vendor.get(made.ref.id)).archive();
    await vi.waitUntil(async () => (await vendor.get(made.ref.id)).state === 'archived', {
      ...{ timeout: 100_000, interval: 200 },
    });
    expect((await emulated.provider.inspect(made.ref)).state).toBe('suspended');
    const woken = await emulated.provider.resume(made.ref);
    expect(await woken.files.readText('kept')).toBe('yes');
    await woken.destroy();
    await vendor[Symbol.asyncDispose]();
  });

  test('an idle sandbox is stopped and deleted where that is asked for', async () => {
    const { key: apiKey, url, clock } = emulated.emulator;
    const options = { apiKey, apiUrl: `${url}/api`, target: 'us' };
    const intervals = { stop: 5, archive: 2, delete: 30 };
    const made = await daytona({ ...options, intervals }).create({ maxLifetimeMs: 80_000_000 });
    await clock.advance(6 * 60_000);
    expect((await made.inspect()).state).toBe('suspended');
    await clock.advance(40 * 60_000);
    expect((await made.inspect()).state).toBe('gone');
    for (const wrong of [{ stop: 1.5 }, { pause: -1 }, { nap: 3 }]) {
      const make = (): unknown => daytona({ ...options, intervals: wrong });
      expect(make).toThrow(SandboxError);
    }
  });

  test('a virtual machine is suspended with what runs in it, and forked', async () => {
    const { key: apiKey, url } = emulated.emulator;
    const machines = daytona({
      ...{ apiKey, apiUrl: `${url}/api`, target: 'us' },
      ...{ snapshot: 'daytona-linux-vm', sandboxClass: 'linux-vm' },
    });
    await using machine = await machines.create();
    await machine.exec('while sleep 0.1; do echo >>/tmp/ticks; done >/dev/null 2>&1 &');
    await machine.suspend('memory');
    expect((await machines.inspect(machine.ref)).state).toBe('suspended');
    const woken = await machines.resume(machine.ref);
    expect((await woken.exec('pgrep -fc "[t]icks"')).stdout.text).toBe('1\n');
    await woken.files.write('kept', 'yes');
    const forks = await woken.fork(1, { labels: { kind: 'fork' } });
    for (const fork of forks) {
      if (fork.status === 'rejected') throw fork.reason;
      expect(await fork.value.files.readText('kept')).toBe('yes');
      await fork.value.destroy();
    }
    // Of a container these are refused, and said to be before.
    expect(emulated.provider.capabilities.fork).toBeUndefined();
    await expect(sandbox.suspend('memory')).rejects.toMatchObject({ code: 'unsupported' });
  });
});

describe('errors', () => {
  test('a wrong key, an image and a network that there is not are told apart', async () => {
    const { url } = emulated.emulator;
    const stranger = daytona({ apiKey: 'dtn_wrong', apiUrl: `${url}/api`, target: 'us' });
    await expect(stranger.probe()).rejects.toMatchObject({ code: 'unauthenticated' });
    const manifest = { spec: 'gantry-manifest/1' } as const;
    const labels = { kind: 'refused' };
    const image = emulated.provider.create({
      labels,
      manifest: { ...manifest, image: 'no/image' },
    });
    await expect(image).rejects.toMatchObject({
      code: 'not-found',
      message: expect.stringContaining('no/image') as string,
    });
    const network = { mode: 'allow-list', allow: ['1.1.1.1'] } as const;
    const listed = emulated.provider.create({ labels, manifest: { ...manifest, network } });
    await expect(listed).rejects.toMatchObject({ code: 'unsupported' });
    expect(await Array.fromAsync(emulated.provider.list({ labels }))).toEqual([]);
    expect(() => daytona({ key: 'x' } as never)).toThrow(SandboxError);
  });

  test('no key at all is told as such, and what to do', async () => {
    vi.stubEnv('DAYTONA_API_KEY', undefined);
    onTestFinished(() => void vi.unstubAllEnvs());
    const created = daytona({ apiUrl: `${emulated.emulator.url}/api` }).create();
    await expect(created).rejects.toMatchObject({
      code: 'unauthenticated',
      outcome: 'not-started',
      message: expect.stringContaining('DAYTONA_API_KEY') as string,
    });
  });

  test('a 404 of something else than the API is no absence', async () => {
    const other = createServer((_request, response) => {
      response.writeHead(404, { 'content-type': 'text/plain' }).end('404 page not found');
    });
    await new Promise<void>((listening) => other.listen(0, '127.0.0.1', listening));
    onTestFinished(() => void other.close());
    const { port } = other.address() as AddressInfo;
    const lost = daytona({ apiKey: 'dtn_any', apiUrl: `http://127.0.0.1:${port}`, target: 'us' });
    for (const work of [() => lost.inspect(sandbox.ref), () => lost.destroy(sandbox.ref)]) {
      await expect(work()).rejects.toMatchObject({
        ...{ code: 'unavailable', message: expect.stringContaining('apiUrl') as string },
      });
    }
  });

  test('a create whose cleaning up fails says what may be left', async () => {
    const labels = { kind: 'left' };
    const cut = { kind: 'cut', afterBytes: 10 } as const;
    const failing = { kind: 'status', status: 500 } as const;
    const { faults } = emulated.emulator;
    {
      using _lost = faults.add({ path: '/api/sandbox', method: 'POST', fault: cut, times: 1 });
      using _kept = faults.add({ path: /^\/api\/sandbox\//, fault: failing });
      await expect(emulated.provider.create({ labels })).rejects.toMatchObject({
        code: 'unavailable',
        message: expect.stringMatching(/may be left, since deleting it failed/) as string,
      });
    }
    for await (const { ref } of emulated.provider.list({ labels })) {
      await emulated.provider.destroy(ref);
    }
  });

  test('a rate limit says when to come back', async () => {
    const fault = { kind: 'status', status: 429, retryAfterSeconds: 3 } as const;
    using _rule = emulated.emulator.faults.add({ path: '/api/sandbox', method: 'POST', fault });
    await expect(emulated.provider.create()).rejects.toMatchObject({
      ...{ code: 'resource-exhausted', outcome: 'not-started', retryAfterMs: 3_000 },
    });
  });

  test('a create whose answer is lost leaves nothing', async () => {
    const labels = { kind: 'lost' };
    const fault = { kind: 'cut', afterBytes: 10 } as const;
    using _rule = emulated.emulator.faults.add({
      ...{ path: '/api/sandbox', method: 'POST', fault, times: 1 },
    });
    await expect(emulated.provider.create({ labels })).rejects.toMatchObject({
      code: 'unavailable',
    });
    expect(await Array.fromAsync(emulated.provider.list({ labels }))).toEqual([]);
  });

  test('a sandbox that vanished cannot be reached, and no exit code is made up', async () => {
    const vanishing = await emulated.provider.create();
    const during = vanishing.exec('sleep 1000').catch((error: unknown) => error);
    while (!(await vanishing.exec('pgrep -f "[s]leep 1000"')).ok);
    await emulated.emulator.vanish(vanishing.ref.id);
    expect(await during).toMatchObject({ code: 'unavailable', outcome: 'unknown' });
    const next: unknown = await vanishing.exec('true').catch((error: unknown) => error);
    expect(next).toMatchObject({ code: 'unavailable', outcome: 'unknown' });
    await vanishing.destroy();
    expect(await emulated.provider.inspect(vanishing.ref)).toEqual({ state: 'gone' });
  });
});
