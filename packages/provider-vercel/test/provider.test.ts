import { type Sandbox, SandboxError } from '@gantry/core';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { vercel } from '../src/index.ts';
import { type Emulated, requestsTo } from '../../../tests/emulated-provider.ts';
import { startEmulated } from './emulated.ts';

// What is particular to this vendor, over its SDK and its emulator; the suite looks at the contract itself.

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

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

/** The requests of each kind since then, sorted: two of them may run side by side. */
const requestsSince = (before: number): readonly string[] =>
  emulated.emulator
    .requests()
    .slice(before)
    .map(({ method, path }) => `${method} ${path.replace(/(?:sbx|cmd)_[0-9a-f]+/g, 'ID')}`)
    .map((line) => line.replace(/teamId=\w+&?/, '').replace(/\?$/, ''))
    .map((line) => line.replace('/api/v2/sandboxes/sessions/', ''))
    .toSorted();

describe('commands', () => {
  test('have both outputs and exactly their variables, none of them on a command line', async () => {
    const env = { MORE: "'$x'\n", OPTIND: '7', gantry_file: 'kept' };
    const line = 'printf "%s|$MORE|$gantry_file" "$LINES"; printf e >&2; exit 7';
    const { exit, stdout, stderr } = await sandbox.exec(line, { env });
    expect(exit).toEqual({ code: 7 });
    expect([stdout.text, stderr.text]).toEqual(["it's\ntwo|'$x'\n|kept", 'e']);
    const printed = await sandbox.exec(['printenv', 'OPTIND'], { env });
    expect(printed.stdout.text).toBe('7\n');
    const seen = await sandbox.exec('tr "\\0" " " </proc/$$/cmdline', { env });
    expect(seen.stdout.text).not.toContain("'$x'");
  });

  test('take a request to start, one for the output and one for the end', async () => {
    await sandbox.exec('true');
    const before = emulated.emulator.requests().length;
    expect((await sandbox.exec(['printf', 'a'])).stdout.text).toBe('a');
    await vi.waitUntil(() => requestsSince(before).length >= 3, { timeout: 60_000 });
    expect(requestsSince(before)).toEqual([
      'GET ID/cmd/ID/logs',
      'GET ID/cmd/ID?wait=true',
      'POST ID/cmd',
    ]);
  });

  test('read input that was given whole, and nothing that comes later', async () => {
    const count = async (length: number): Promise<string> =>
      (await sandbox.exec('wc -c', { stdin: new Uint8Array(length) })).stdout.text;
    expect([await count(0), await count(1_000), await count(400_000)]).toEqual([
      ...['0\n', '1000\n', '400000\n'],
    ]);
    expect((await sandbox.exec('ls -A /tmp | grep -c "^.gantry"')).stdout.text).toBe('0\n');
    const streamed = sandbox.spawn(['cat'], { stdin: 'stream' });
    await expect(streamed).rejects.toMatchObject({ code: 'unsupported' });
  });

  test('wait for whoever reads their output', async () => {
    await using flood = await sandbox.spawn(['sh', '-c', 'yes | head -c 200000000 & wait']);
    const reader = flood.stdout.getReader();
    await reader.read();
    const used = process.memoryUsage().rss;
    // Whatever it could write without a reader is written once this many commands have come and gone.
    for (let round = 0; round < 20; round += 1) await sandbox.exec('true');
    expect(process.memoryUsage().rss - used).toBeLessThan(150_000_000);
    expect((await sandbox.exec('pgrep -c "^yes$"')).stdout.text).toBe('1\n');
    await flood.kill();
  });

  test('keep for a slow reader what they wrote before they ended', async () => {
    const line = 'head -c 6000000 /dev/zero | tr "\\0" x';
    await using slow = await sandbox.spawn(['sh', '-c', line]);
    const reader = slow.stdout.getReader();
    let length = (await reader.read()).value?.length ?? 0;
    for (let round = 0; round < 20; round += 1) await sandbox.exec('true');
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      length += next.value.length;
    }
    expect(length).toBe(6_000_000);
    expect(await slow.exit).toEqual({ code: 0 });
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

test('files are any bytes under any name, and long ones go by the file API in pieces', async () => {
  const bytes = new Uint8Array(20_000_000).map((_, index) => (index * 7) % 256);
  const before = requestsTo(emulated, /fs\//).length;
  await sandbox.files.write("dir/it's ü\n-n", bytes, { mode: 0o600 });
  expect(Buffer.from(await sandbox.files.readBytes("dir/it's ü\n-n")).equals(bytes)).toBe(true);
  expect(await sandbox.files.stat("dir/it's ü\n-n")).toMatchObject({ mode: 0o600 });
  const moved = requestsTo(emulated, /fs\//).slice(before);
  expect(moved.map((line) => line.replace(/.*\/fs\/(\w+).*/, '$1'))).toEqual([
    ...['write', 'write', 'read'],
  ]);
  expect((await sandbox.exec('ls -A /tmp | grep -c "^.gantry"')).stdout.text).toBe('0\n');
});

test('a port that was not asked for is added, and reached at the address of its route', async () => {
  await using server = await sandbox.spawn(['python3', '-m', 'http.server', '8123'], {
    cwd: '/etc',
  });
  const [{ url, headers }, other] = await Promise.all([sandbox.expose(8123), sandbox.expose(8124)]);
  expect(headers).toEqual({});
  const status = async (place: string): Promise<number> => {
    const answer = await fetch(`${place}/hostname`);
    await answer.arrayBuffer();
    return answer.status;
  };
  await vi.waitUntil(async () => (await status(url)) === 200, { timeout: 100_000 });
  expect(await status(other.url)).toBe(502);
  expect((await sandbox.expose(8123)).url).toBe(url);
  await server.kill('SIGKILL');
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

  test('more labels than there are tags are kept too', async () => {
    const labels = Object.fromEntries([1, 2, 3, 4, 5, 6].map((n) => [`label-${n}`, `value ${n}`]));
    await using many = await emulated.provider.create({ labels });
    const listed = await Array.fromAsync(
      emulated.provider.list({ labels: { 'label-6': 'value 6' } }),
    );
    expect(listed).toMatchObject([{ ref: many.ref, labels }]);
  });

  test('a session that was stopped is never woken by a call, which says what became of it', async () => {
    await using stopped = await emulated.provider.create({ labels: { kind: 'stopped' } });
    await stopped.files.write('kept', 'yes');
    const other = await emulated.provider.connect(stopped.ref);
    await other.suspend();
    const before = requestsTo(emulated, /resume=true/).length;
    await expect(stopped.exec('true')).rejects.toMatchObject({
      ...{ code: 'failed-precondition', message: expect.stringContaining('suspended') as string },
    });
    expect(requestsTo(emulated, /resume=true/)).toHaveLength(before);
    const woken = await emulated.provider.resume(stopped.ref);
    expect(await woken.files.readText('kept')).toBe('yes');
    // It runs, but what this object started in it would be gone: that too is said.
    await expect(stopped.exec('true')).rejects.toMatchObject({
      message: expect.stringContaining('another session') as string,
    });
    await woken.release();
  });

  test('it ends when its time is over, later when that is asked for', async () => {
    const { clock } = emulated.emulator;
    const made = await emulated.provider.create({ maxLifetimeMs: 30 * 60_000 });
    await clock.advance(29 * 60_000);
    expect((await made.inspect()).state).toBe('running');
    const wanted = clock.now() + 90 * 60_000;
    expect(await made.extendLifetime(wanted)).toBeGreaterThanOrEqual(wanted);
    await clock.advance(60 * 60_000);
    expect((await made.inspect()).state).toBe('running');
    await clock.advance(120 * 60_000);
    expect((await made.inspect()).state).not.toBe('running');
    await expect(made.exec('true')).rejects.toMatchObject({ code: 'failed-precondition' });
    await made.destroy();
  });

  test('a snapshot stops its sandbox, and a fork wakes its source again and ends nothing that runs', async () => {
    await using source = await emulated.provider.create({
      manifest: { spec: 'gantry-manifest/1', env: { FORKED: 'yes' } },
    });
    await source.files.write('file', 'before');
    const running = await source.spawn(['sleep', '1000']);
    await expect(source.fork(1)).rejects.toMatchObject({ code: 'failed-precondition' });
    await running.kill();
    await running.exit;
    const [fork] = await source.fork(1);
    if (fork?.status !== 'fulfilled') throw fork?.reason ?? new Error('no fork');
    expect((await fork.value.exec('cat file; printf $FORKED')).stdout.text).toBe('beforeyes');
    expect((await source.exec('cat file')).stdout.text).toBe('before');
    await fork.value.destroy();
    const snapshot = await source.nativeSnapshot('filesystem');
    expect((await source.inspect()).state).toBe('suspended');
    await emulated.provider.removeNativeSnapshot(snapshot);
  });

  test('one that keeps nothing cannot be suspended, and says so', async () => {
    const { key: token, url } = emulated.emulator;
    const account = { token, teamId: 'team_gantry', projectId: 'prj_gantry' };
    const brief = vercel({ ...account, apiUrl: `${url}/api`, persistent: false });
    expect(brief.capabilities.suspend).toBeUndefined();
    await using made = await brief.create();
    expect((await emulated.provider.connect(made.ref)).capabilities.suspend).toBeUndefined();
  });
});

describe('errors', () => {
  test('a wrong token, an image and a network that there is not are told apart', async () => {
    const { url } = emulated.emulator;
    const account = { teamId: 'team_gantry', projectId: 'prj_gantry', apiUrl: `${url}/api` };
    const stranger = vercel({ ...account, token: 'wrong' });
    await expect(stranger.probe()).rejects.toMatchObject({ code: 'unauthenticated' });
    const manifest = { spec: 'gantry-manifest/1' } as const;
    const labels = { kind: 'refused' };
    const { provider } = emulated;
    const image = provider.create({ labels, manifest: { ...manifest, image: 'no/image' } });
    await expect(image).rejects.toMatchObject({
      ...{ code: 'not-found', message: expect.stringContaining('no/image') as string },
    });
    const network = { mode: 'allow-list', allow: ['1.1.1.1'] } as const;
    const listed = provider.create({ labels, manifest: { ...manifest, network } });
    await expect(listed).rejects.toMatchObject({ code: 'unsupported' });
    expect(await Array.fromAsync(provider.list({ labels }))).toEqual([]);
    expect(() => vercel({ key: 'x' } as never)).toThrow(SandboxError);
  });

  test('what the vendor does to requests is sent along with what may be reached', async () => {
    const { key: token, url } = emulated.emulator;
    const transform = [{ headers: { authorization: 'Bearer secret-of-theirs' } }];
    const account = { token, teamId: 'team_gantry', projectId: 'prj_gantry' };
    const ruled = vercel({
      ...{ ...account, apiUrl: `${url}/api` },
      networkRules: { 'api.example.org': [{ transform }] },
    });
    const network = { mode: 'allow-list', allow: ['api.example.org', '10.0.0.0/8'] } as const;
    const made = ruled.create({ manifest: { spec: 'gantry-manifest/1', network } });
    // These sandboxes' requests are changed by nobody, and the emulator says so rather than leave it out.
    await expect(made).rejects.toMatchObject({
      ...{ code: 'unsupported', message: expect.stringContaining('sets no headers') as string },
    });
  });

  test('a rate limit says when to come back', async () => {
    const fault = { kind: 'status', status: 429, retryAfterSeconds: 25 } as const;
    using _rule = emulated.emulator.faults.add({ path: '/api/v3/sandboxes', fault });
    await expect(emulated.provider.create()).rejects.toMatchObject({
      ...{ code: 'resource-exhausted', outcome: 'not-started', retryAfterMs: 25_000 },
    });
  });

  test('a create whose answer is lost leaves nothing, and is not made twice', async () => {
    const labels = { kind: 'lost' };
    const fault = { kind: 'cut', afterBytes: 10 } as const;
    const before = requestsTo(emulated, /POST \/api\/v3\/sandboxes/).length;
    using _rule = emulated.emulator.faults.add({ path: '/api/v3/sandboxes', fault, times: 1 });
    const lost = emulated.provider.create({ labels });
    await expect(lost).rejects.toMatchObject({ code: 'unavailable' });
    expect(await Array.fromAsync(emulated.provider.list({ labels }))).toEqual([]);
    expect(requestsTo(emulated, /POST \/api\/v3\/sandboxes/)).toHaveLength(before + 1);
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
