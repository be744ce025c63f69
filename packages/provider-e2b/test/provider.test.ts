import { SandboxError, type Sandbox } from '@gantry/core';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { e2b } from '../src/index.ts';
import { type Emulated } from '../../../tests/emulated-provider.ts';
import { startEmulated } from './emulated.ts';

// The contract's core behaviours, over the vendor's SDK and its emulator.

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let emulated: Emulated;
let sandbox: Sandbox;

beforeAll(async () => {
  emulated = await startEmulated();
  sandbox = await emulated.provider.create({
    labels: { job: 'one two', 'a/b': '1%2' },
    // Longer than any test moves the clock.
    maxLifetimeMs: 80_000_000,
    manifest: { spec: 'gantry-manifest/1', env: { PATH: '/usr/bin:/bin', LINES: "it's\ntwo" } },
  });
});
afterAll(() => emulated[Symbol.asyncDispose]());

const run = async (
  ...args: Parameters<Sandbox['exec']>
): Promise<[exit: object, stdout: string, stderr: string]> => {
  const { exit, stdout, stderr } = await sandbox.exec(...args);
  return [exit, stdout.text, stderr.text];
};

describe('commands', () => {
  test('an array reaches the program as it is, a line goes to sh', async () => {
    const words = ['printf', '%s|', "it's", 'a b', '$HOME', '*', '', 'new\nline', 'ü'] as const;
    expect(await run(words)).toEqual([{ code: 0 }, words.slice(2).join('|') + '|', '']);
    expect(await run('pwd; echo $0; echo err >&2; exit 7')).toEqual([
      { code: 7 },
      '/workspace\n/bin/sh\n',
      'err\n',
    ]);
  });

  test("variables reach it unchanged, a login shell's own notwithstanding", async () => {
    const line = 'printf "%s|%s|%s" "$PATH" "$LINES" "$MORE"; env | grep -c GANTRY';
    const [, text] = await run(line, { env: { MORE: "'$x'\n", LINES: 'mine' } });
    expect(text).toBe("/usr/bin:/bin|mine|'$x'\n0\n");
  });

  test('a program that is not there, or no program, is a result', async () => {
    expect((await run(['no-such-program']))[0]).toEqual({ code: 127 });
    expect((await run(['/etc/passwd']))[0]).toEqual({ code: 126 });
    await expect(run('true', { cwd: '/nowhere' })).rejects.toMatchObject({
      ...{ code: 'failed-precondition', details: { reason: 'cwd' } },
    });
  });

  test('a death by signal is no exit code', async () => {
    for (const signal of ['KILL', 'SEGV', 'TERM']) {
      expect((await run(`kill -s ${signal} $$`))[0]).toEqual({ signal: `SIG${signal}` });
    }
  });

  test('input is read to its end, and without input there is none', async () => {
    expect((await run(['cat'], { stdin: 'hello' }))[1]).toBe('hello');
    expect((await run(['wc', '-c']))[1].trim()).toBe('0');
    const much = 'x'.repeat(700_000);
    expect((await run(['wc', '-c'], { stdin: much }))[1].trim()).toBe('700000');
  });

  test('much output arrives whole', async () => {
    const { stdout } = await sandbox.exec('head -c 3000000 /dev/zero | tr "\\0" x; echo');
    expect(stdout.totalBytes).toBe(3_000_001);
  });

  test('a time-out kills the whole group, a signal reaches it', async () => {
    const late = sandbox.exec('sleep 7654321 & sleep 7654321', { timeoutMs: 3_000 });
    const error: unknown = await late.catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'deadline-exceeded', outcome: 'unknown' });
    expect((await run('ps ax | grep -c "[7]654321"'))[1]).toBe('0\n');
    await using trapping = await sandbox.spawn(
      'trap "exit 5" USR1; echo ready; while :; do sleep 0.1; done',
    );
    const reader = trapping.stdout.getReader();
    expect(Buffer.from((await reader.read()).value ?? []).toString()).toBe('ready\n');
    await trapping.kill('SIGUSR1');
    expect(await trapping.exit).toEqual({ code: 5 });
    await trapping.kill();
  });
});

test('files are any bytes under any name', async () => {
  const bytes = new Uint8Array(1_500_000).map((_, index) => (index * 7) % 256);
  await sandbox.files.write("dir/it's\n-n", bytes, { mode: 0o600 });
  expect(Buffer.from(await sandbox.files.readBytes("dir/it's\n-n")).equals(bytes)).toBe(true);
  expect(await sandbox.files.stat("dir/it's\n-n")).toMatchObject({ mode: 0o600, size: 1_500_000 });
  const part = await sandbox.files.readBytes("dir/it's\n-n", { offset: 10, length: 5 });
  expect([...part]).toEqual([...bytes.subarray(10, 15)]);
  const odd = Buffer.from('dir/\xff\xfe', 'latin1');
  await sandbox.files.write(odd, 'latin');
  expect(await sandbox.files.readText(odd)).toBe('latin');
  expect(await sandbox.files.exists('dir/none')).toBe(false);
  await expect(sandbox.files.read('dir/none')).rejects.toMatchObject({ code: 'not-found' });
  await expect(sandbox.files.read('dir')).rejects.toMatchObject({ code: 'failed-precondition' });
});

test('a terminal is the command itself, from its size on', async () => {
  const command = 'stty size; read line; echo "<$line>"; exit 3';
  const terminal = await sandbox.terminal({ command, size: { columns: 91, rows: 31 } });
  const writer = terminal.input.getWriter();
  await writer.write(Buffer.from('typed\n'));
  const screen = await new Response(terminal.output).text();
  expect(screen).toMatch(/^31 91\r\n(?:typed\r\n)?<typed>\r\n$/);
  expect(await terminal.exit).toEqual({ code: 3 });
  const missing = await sandbox.terminal({ command: ['no-such-program'] });
  expect(await missing.exit).toEqual({ code: 127 });
  await using left = await sandbox.terminal({ command: 'sleep 7654322 & wait' });
  await left.kill('SIGKILL');
  await left.exit;
  expect((await run('ps ax | grep -c "[7]654322"'))[1]).toBe('0\n');
});

test('what changes is watched', async () => {
  const below = '/workspace/watched/below';
  await sandbox.files.makeDirectory(below);
  const seen: string[] = [];
  const watching = (async () => {
    for await (const { kind, path } of sandbox.files.watch('watched', { recursive: true })) {
      seen.push(`${kind} ${path}`);
      if (kind === 'removed' && path === below) return;
    }
  })();
  const outcome = watching.catch((error: unknown) => error);
  // The watch begins some time after it is asked for: there are new files until one was seen.
  const created = (): boolean => seen.some((event) => event.startsWith(`created ${below}/`));
  for (let count = 0; !created(); count += 1) await sandbox.files.write(`${below}/${count}`, 'x');
  await sandbox.files.remove(below);
  expect(await outcome).toBeUndefined();
});

test('a port is reached with the headers that come with its address', async () => {
  await using server = await sandbox.spawn(['python3', '-m', 'http.server', '8123'], {
    cwd: '/etc',
  });
  const { url, headers } = await sandbox.expose(8123);
  for (;;) {
    const answer = await fetch(`${url}/hostname`, { headers });
    const text = await answer.text();
    if (answer.status === 200) break;
    expect([answer.status, text]).toEqual([502, expect.stringContaining('port is not open')]);
  }
  const { 'e2b-traffic-access-token': token, ...rest } = headers;
  expect(token).toBeTypeOf('string');
  expect((await fetch(`${url}/hostname`, { headers: rest })).status).toBe(403);
  await server.kill('SIGKILL');
});

describe('life', () => {
  test('a sandbox is found again, by its ref and by its labels', async () => {
    expect(JSON.stringify(sandbox.ref)).not.toContain(emulated.emulator.key);
    const again = await emulated.provider.connect(sandbox.ref);
    expect((await again.exec('printf "$LINES"')).stdout.text).toBe("it's\ntwo");
    await again.release();
    const listed = await Array.fromAsync(
      emulated.provider.list({ labels: { job: 'one two', 'a/b': '1%2' } }),
    );
    expect(listed).toEqual([
      {
        ...{ ref: sandbox.ref, state: 'running', labels: { job: 'one two', 'a/b': '1%2' } },
        ...{ createdAt: expect.any(Number) as number, expiresAt: expect.any(Number) as number },
      },
    ]);
    expect(await Array.fromAsync(emulated.provider.list({ labels: { job: 'one' } }))).toEqual([]);
  });

  test('it suspends with what runs in it or without, and is gone when it is destroyed', async () => {
    await using suspended = await emulated.provider.create({ labels: { kind: 'suspended' } });
    const { ref } = suspended;
    await suspended.files.write('kept', 'yes');
    const script = 'while sleep 0.1; do echo >>/tmp/ticks; done';
    const ticking = await suspended.spawn(script);
    await suspended.suspend('memory');
    expect((await emulated.provider.inspect(ref)).state).toBe('suspended');
    // How a command ends that nobody follows any more is not made up.
    await expect(ticking.exit).rejects.toMatchObject({ code: 'unavailable', outcome: 'unknown' });
    for (const work of [() => suspended.suspend('memory'), () => emulated.provider.connect(ref)]) {
      await expect(work()).rejects.toMatchObject({ code: 'failed-precondition' });
    }
    const woken = await emulated.provider.resume(ref);
    expect((await woken.exec('ps ax | grep -c "[/]tmp/ticks"')).stdout.text).toBe('1\n');
    await woken.suspend('disk');
    const booted = await emulated.provider.resume(ref);
    expect((await booted.exec('ps ax | grep -c "[/]tmp/ticks"')).stdout.text).toBe('0\n');
    expect(await booted.files.readText('kept')).toBe('yes');
    await booted.suspend('memory');
    await emulated.provider.destroy(ref);
    await emulated.provider.destroy(ref);
    expect(await emulated.provider.inspect(ref)).toEqual({ state: 'gone' });
    await expect(emulated.provider.connect(ref)).rejects.toMatchObject({ code: 'not-found' });
  });

  test('it ends by itself, and later when that is asked for', async () => {
    const short = await emulated.provider.create({ maxLifetimeMs: 900_000 });
    const later = Date.now() + 3_600_000;
    const holds = await short.extendLifetime(later);
    expect(Math.abs(holds - later)).toBeLessThan(600_000);
    await emulated.emulator.clock.advance(1_000_000);
    expect((await short.inspect()).state).toBe('running');
    await emulated.emulator.clock.advance(3_000_000);
    expect((await short.inspect()).state).toBe('gone');
    await expect(short.exec('true')).rejects.toMatchObject({ code: 'not-found' });
  });
});

describe('errors', () => {
  test('a wrong key, an unknown template and a network that there is not are told apart', async () => {
    const { url: apiUrl } = emulated.emulator;
    const stranger = e2b({ apiKey: `e2b_${'0'.repeat(40)}`, apiUrl, sandboxUrl: apiUrl });
    await expect(stranger.probe()).rejects.toMatchObject({ code: 'unauthenticated' });
    const manifest = { spec: 'gantry-manifest/1' } as const;
    const refused = emulated.provider.create({ manifest: { ...manifest, image: 'no-template' } });
    await expect(refused).rejects.toMatchObject({ code: 'not-found' });
    const open = { ...manifest, network: { mode: 'open' } } as const;
    const created = emulated.provider.create({ manifest: open });
    await expect(created).rejects.toMatchObject({ code: 'unsupported' });
    expect(() => e2b({ key: 'x' } as never)).toThrow(SandboxError);
  });

  test('a stream that is cut under a command is an error, never an exit code', async () => {
    const { faults } = emulated.emulator;
    const fault = { kind: 'cut', afterBytes: 120 } as const;
    using _rule = faults.add({ path: /Process\/Start$/, fault, times: 1 });
    const cut = sandbox.exec('for i in 1 2 3 4 5 6 7 8 9 10; do echo $i; sleep 0.05; done');
    await expect(cut).rejects.toMatchObject({ code: 'unavailable', outcome: 'unknown' });
    expect((await run('echo fine'))[1]).toBe('fine\n');
  });

  test('a create whose answer is lost leaves nothing', async () => {
    const labels = { kind: 'lost' };
    const fault = { kind: 'cut', afterBytes: 10 } as const;
    using _rule = emulated.emulator.faults.add({
      path: '/v2/sandboxes',
      method: 'POST',
      fault,
      times: 1,
    });
    await expect(emulated.provider.create({ labels })).rejects.toMatchObject({
      code: 'unavailable',
    });
    expect(await Array.fromAsync(emulated.provider.list({ labels }))).toEqual([]);
  });

  test('a sandbox that vanished cannot be reached, and is missing only once the vendor says so', async () => {
    const vanishing = await emulated.provider.create();
    const during = vanishing.exec('sleep 1000').catch((error: unknown) => error);
    while (!(await vanishing.exec('ps ax | grep -q "[s]leep 1000"')).ok);
    await emulated.emulator.vanish(vanishing.ref.id);
    expect(await during).toMatchObject({ code: 'unavailable', outcome: 'unknown' });
    const next: unknown = await vanishing.exec('true').catch((error: unknown) => error);
    expect(next).toMatchObject({ code: 'unavailable', outcome: 'unknown' });
    await vanishing.destroy();
    expect(await emulated.provider.inspect(vanishing.ref)).toEqual({ state: 'gone' });
  });
});

test('fifty files take no more than three calls of the vendor', async () => {
  await using fresh = await emulated.provider.create();
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
  const calls = emulated.emulator.requests().slice(before, -1);
  expect(
    calls.map(({ path }) => path).length,
    calls.map(({ path }) => path).join(' '),
  ).toBeLessThanOrEqual(3);
});

test('a file too long for a command goes by the file API, with the rights of the user', async () => {
  const { emulator } = emulated;
  const before = emulator.requests().length;
  const bytes = new Uint8Array(2_000_000).map((_, index) => (index * 13) % 256);
  await sandbox.files.write('long/file', bytes, { mode: 0o600 });
  expect(Buffer.from(await sandbox.files.readBytes('long/file')).equals(bytes)).toBe(true);
  // A request is in the log once its connection is done with it.
  const moved = (method: string): number =>
    emulator
      .requests()
      .slice(before)
      .filter((request) => request.method === method && request.path.startsWith('/files')).length;
  await vi.waitUntil(() => moved('GET') === 1 && moved('POST') === 1, { timeout: 100_000 });
  expect((await run('ls -A /tmp | grep -c gantry; ls -l long'))[1]).toMatch(/^0\n[^]*-rw------- /);
  await sandbox.exec('chmod 000 long/file');
  await expect(sandbox.files.read('long/file')).rejects.toMatchObject({
    code: 'permission-denied',
  });
  await expect(sandbox.files.read('/proc/1/none')).rejects.toMatchObject({ code: 'not-found' });
  await sandbox.exec('mkfifo long/pipe');
  await expect(sandbox.files.read('long/pipe')).rejects.toMatchObject({
    code: 'failed-precondition',
  });
});

test('creates that meet a rate limit wait for their turn, and none fails', async () => {
  await using limited = await startEmulated();
  const { emulator, provider } = limited;
  const fault = { kind: 'status', status: 429, retryAfterSeconds: 0 } as const;
  emulator.faults.add({ path: '/v2/sandboxes', method: 'POST', fault, times: 12 });
  const made = await Promise.allSettled(Array.from({ length: 6 }, () => provider.create()));
  expect(made.filter(({ status }) => status === 'rejected')).toEqual([]);
  const answers = (wanted: number): number =>
    emulator
      .requests()
      .filter(
        ({ path, method, status }) =>
          path === '/v2/sandboxes' && method === 'POST' && status === wanted,
      ).length;
  await vi.waitUntil(() => answers(201) === 6, { timeout: 100_000 });
  expect(answers(429)).toBe(12);
});
