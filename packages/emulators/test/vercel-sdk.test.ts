import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import path from 'node:path';
import { APIError, Drive, Sandbox, Snapshot, StreamError } from '@vercel/sandbox';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { startVercel, type VercelAccess, type VercelEmulator } from './vercel-emulator.ts';

// The vendor's own SDK, unmodified, over its surface.

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

let started: VercelEmulator;
let access: VercelAccess;
let sandbox: Sandbox;

beforeAll(async () => {
  started = await startVercel();
  access = started.access;
  sandbox = await Sandbox.create({
    ...access,
    ...{ name: 'first', tags: { team: 'a b' }, env: { GREETING: 'hello' }, ports: [8000] },
    timeout: 80_000_000,
  });
});
afterAll(() => started[Symbol.asyncDispose]());

/** What a call was answered that failed. */
const failure = async (work: Promise<unknown>): Promise<unknown> => {
  const error: unknown = await work.catch((thrown: unknown) => thrown);
  if (!(error instanceof APIError)) return error;
  const { status } = error.response;
  const code: unknown = (error.json as { error?: { code?: string } } | undefined)?.error?.code;
  return [status, code];
};

describe('commands', () => {
  test('run as the user at home, with both outputs, and are waited for', async () => {
    const line = 'echo "$GREETING $NAME"; pwd; id -un; echo err >&2; exit 3';
    const args = { cmd: 'sh', args: ['-c', line], env: { NAME: 'you' } };
    const finished = await sandbox.runCommand(args);
    expect([finished.exitCode, await finished.stdout(), await finished.stderr()]).toEqual([
      ...[3, 'hello you\n/vercel\nubuntu\n', 'err\n'],
    ]);
    expect(await (await sandbox.runCommand({ cmd: 'pwd', cwd: '/tmp' })).stdout()).toBe('/tmp\n');
    expect(await failure(sandbox.runCommand({ cmd: 'pwd', cwd: '/nowhere' }))).toEqual([
      ...[400, 'bad_request'],
    ]);
    expect((await sandbox.runCommand('sh', ['-c', 'kill -9 $$'])).exitCode).toBe(137);
    const late = await sandbox.runCommand({ cmd: 'sleep', args: ['1000'], timeoutMs: 500 });
    expect(late.exitCode).toBe(137);
  });

  test('in the background are told of from their beginning, whenever that is asked', async () => {
    const line = 'i=0; while [ $i -lt 3 ]; do i=$((i+1)); echo ü$i; sleep 0.1; done; exit 4';
    const detached = await sandbox.runCommand({ cmd: 'sh', args: ['-c', line], detached: true });
    expect(detached.exitCode).toBeNull();
    const again = await sandbox.getCommand(detached.cmdId);
    expect((await again.wait()).exitCode).toBe(4);
    expect(await again.output()).toBe('ü1\nü2\nü3\n');
    const logs: string[] = [];
    for await (const { stream, data } of detached.logs()) logs.push(`${stream}:${data}`);
    expect(logs.join('')).toContain('stdout:ü1');
    expect(await failure(sandbox.getCommand('cmd_none'))).toEqual([404, 'not_found']);
  });

  test('take signals, and characters that are cut in two stay whole', async () => {
    const line = 'trap "echo told; exit 5" TERM; echo ready; while :; do sleep 0.1; done';
    const trapped = await sandbox.runCommand({ cmd: 'sh', args: ['-c', line], detached: true });
    for await (const { data } of trapped.logs()) {
      if (data.includes('ready')) await trapped.kill();
    }
    expect((await trapped.wait()).exitCode).toBe(5);
    const cut = String.raw`printf '\303'; sleep 0.2; printf '\274'; printf '\377'`;
    expect(await (await sandbox.runCommand('sh', ['-c', cut])).stdout()).toBe('ü\ufffd');
  });

  test('as root are refused where the provider has no users', async () => {
    const asked = sandbox.runCommand({ cmd: 'id', sudo: true });
    expect(await failure(asked)).toEqual([422, 'unsupported']);
  });
});

test('files go in and out, and the rest of the SDK’s file system works by commands', async () => {
  const bytes = Buffer.from(new Uint8Array(300_000).map((_, index) => index % 251));
  await sandbox.writeFiles([
    { path: 'a/text.txt', content: 'grüße' },
    { path: '/tmp/tool', content: '#!/bin/sh\necho ran\n', mode: 0o755 },
    { path: '/tmp/bytes', content: bytes },
  ]);
  expect((await sandbox.readFileToBuffer({ path: 'a/text.txt' }))?.toString()).toBe('grüße');
  expect((await sandbox.readFileToBuffer({ path: '/tmp/bytes' }))?.equals(bytes)).toBe(true);
  expect(await (await sandbox.runCommand('/tmp/tool')).stdout()).toBe('ran\n');
  expect(await sandbox.readFile({ path: 'none' })).toBeNull();
  await sandbox.mkDir('made');
  expect(await failure(sandbox.mkDir('made'))).toEqual([400, 'bad_request']);
  const { fs } = sandbox;
  await fs.mkdir('/vercel/d/e', { recursive: true });
  await fs.writeFile('/vercel/d/file', '12345');
  await fs.appendFile('/vercel/d/file', '6');
  expect(await fs.readFile('/vercel/d/file', 'utf8')).toBe('123456');
  expect((await fs.stat('/vercel/d/file')).size).toBe(6);
  expect((await fs.readdir('/vercel/d')).toSorted()).toEqual(['e', 'file']);
  await fs.rename('/vercel/d/file', '/vercel/d/e/moved');
  await fs.symlink('moved', '/vercel/d/e/link');
  expect(await fs.readlink('/vercel/d/e/link')).toBe('moved');
  await fs.rm('/vercel/d', { recursive: true });
  expect(await fs.exists('/vercel/d')).toBe(false);
});

test('a terminal has its size from the beginning, and tells its end', async () => {
  const { url, token } = await sandbox.openInteractive();
  const refused = new WebSocket(`${url}?token=wrong`);
  const [answer] = await new Promise<[{ message: string }]>((resolve) =>
    refused.once('error', (error) => resolve([error])),
  );
  expect(answer.message).toContain('401');
  const socket = new WebSocket(`${url}?token=${encodeURIComponent(token)}`);
  let screen = '';
  let code: number | undefined;
  socket.on('message', (data: Buffer, isBinary) => {
    if (isBinary) screen += data.toString();
    else ({ code } = JSON.parse(data.toString()) as { code: number });
  });
  await new Promise((resolve) => socket.once('open', resolve));
  const start = { type: 'start', command: 'bash', args: ['--norc'], env: ['WORD=typed'] };
  socket.send(JSON.stringify({ ...start, cwd: '/tmp', cols: 90, rows: 30 }));
  socket.send(Buffer.from('stty size; echo "<$WORD>"; pwd\n'));
  await vi.waitUntil(() => /30 90\r\n<typed>\r\n\/tmp/.test(screen), { timeout: 60_000 });
  socket.send(JSON.stringify({ type: 'resize', cols: 40, rows: 10 }));
  socket.send(Buffer.from('stty size; exit 4\n'));
  await new Promise((resolve) => socket.once('close', resolve));
  expect(screen).toContain('10 40');
  expect(code).toBe(4);
});

describe('sandboxes', () => {
  test('are found by name, tag and prefix, page by page', async () => {
    const second = await Sandbox.create({ ...access, name: 'second', tags: { team: 'other' } });
    const names = async (query: object): Promise<string[]> =>
      (await (await Sandbox.list({ ...access, ...query })).toArray()).map(({ name }) => name);
    expect(await names({})).toEqual(['second', 'first']);
    expect(await names({ limit: 1 })).toEqual(['second', 'first']);
    expect(await names({ tags: { team: 'a b' } })).toEqual(['first']);
    expect(await names({ namePrefix: 'sec', sortBy: 'name' })).toEqual(['second']);
    expect(await failure(names({ namePrefix: 'sec' }))).toEqual([400, 'bad_request']);
    expect(await failure(Sandbox.create({ ...access, name: 'second' }))).toEqual([409, 'conflict']);
    await second.update({ tags: { team: 'a b' } });
    expect(second.tags).toEqual({ team: 'a b' });
    await second.delete();
    const gone = Sandbox.get({ ...access, name: 'second' });
    expect(await failure(gone)).toEqual([404, 'not_found']);
  });

  test('stop with their disk, and are woken by the next call, without what ran in them', async () => {
    let resumed = 0;
    const made = await Sandbox.create({ ...access, name: 'sleeper', env: { KEPT: 'yes' } });
    const found = await Sandbox.get({
      ...access,
      name: 'sleeper',
      onResume: async () => void resumed++,
    });
    await found.writeFiles([{ path: 'kept', content: 'on disk' }]);
    await found.runCommand('sh', ['-c', 'sleep 7654321 >/dev/null 2>&1 &']);
    const running = await found.runCommand({ cmd: 'sleep', args: ['1000'], detached: true });
    const logs = Array.fromAsync(running.logs()).catch((error: unknown) => error);
    const { snapshot } = await made.stop();
    expect(snapshot).toMatchObject({ creationMethod: 'automatic', status: 'created' });
    expect(await logs).toBeInstanceOf(StreamError);
    const session = made.currentSession();
    expect(await failure(session.runCommand('true'))).toEqual([410, 'sandbox_stopped']);
    const line = 'cat kept; printf " $KEPT "; pgrep -fc "[7]654321"';
    const look = await found.runCommand('sh', ['-c', line]);
    expect(await look.stdout()).toBe('on disk yes 0\n');
    expect(resumed).toBe(1);
    expect((await found.listSessions()).sessions.map(({ status }) => status)).toEqual([
      ...['running', 'stopped'],
    ]);
    await found.delete({ deleteOrphanSnapshots: true });
    const { snapshots } = await Snapshot.list({ ...access, name: 'sleeper' });
    expect(snapshots).toEqual([]);
  });

  test('that keep nothing begin anew', async () => {
    const brief = await Sandbox.create({ ...access, persistent: false });
    await brief.writeFiles([{ path: 'kept', content: 'no' }]);
    expect((await brief.stop()).snapshot).toBeUndefined();
    expect(await brief.readFile({ path: 'kept' })).toBeNull();
    await brief.delete();
  });

  test('are stopped by the clock, later where that is asked for, and snapshots expire', async () => {
    const { clock } = started.emulator;
    const timed = await Sandbox.create({ ...access, snapshotExpiration: 3_600_000 });
    await clock.advance(4 * 60_000);
    await timed.extendTimeout(10 * 60_000);
    await clock.advance(10 * 60_000);
    expect((await Sandbox.get({ ...access, name: timed.name })).status).toBe('running');
    await clock.advance(2 * 60_000);
    const { status, currentSnapshotId = '' } = await Sandbox.get({ ...access, name: timed.name });
    expect(status).toBe('stopped');
    expect(await failure(timed.extendTimeout(90_000_000))).toEqual([400, 'bad_request']);
    await timed.stop();
    await clock.advance(3_700_000);
    const expired = await Snapshot.get({ ...access, snapshotId: currentSnapshotId });
    expect(expired.status).toBe('deleted');
    expect(await failure(timed.runCommand('true'))).toEqual([410, 'snapshot_not_found']);
    await timed.delete();
  });

  test('are snapshotted, made of snapshots, forked, and keep so many of them', async () => {
    const source = await Sandbox.create({ ...access, name: 'source', env: { FROM: 'source' } });
    await source.writeFiles([{ path: 'file', content: 'first' }]);
    const first = await source.snapshot();
    expect(source.status).toBe('stopped');
    await source.writeFiles([{ path: 'file', content: 'second' }]);
    const read = async (from: Sandbox): Promise<string | undefined> =>
      (await from.readFileToBuffer({ path: 'file' }))?.toString();
    const copy = await Sandbox.create({
      ...access,
      source: { type: 'snapshot', snapshotId: first.snapshotId },
    });
    // Not the live disk, but the last snapshot; of the settings all that are not said.
    const fork = await Sandbox.fork({ ...access, sourceSandbox: 'source', name: 'the-fork' });
    expect([await read(copy), await read(fork), await read(source)]).toEqual([
      ...['first', 'first', 'second'],
    ]);
    expect(await (await fork.runCommand('printenv', ['FROM'])).stdout()).toBe('source\n');
    await source.update({ keepLastSnapshots: { count: 1 } });
    const last = await source.snapshot({ expiration: 0 });
    const tree = await Snapshot.tree({ ...access, snapshotId: last.snapshotId });
    expect(tree.snapshots.map(({ snapshot }) => snapshot.id)).toEqual([
      ...[last.snapshotId, first.snapshotId],
    ]);
    expect((await source.listSnapshots()).snapshots.map(({ id }) => id)).toEqual([last.snapshotId]);
    expect(last.expiresAt).toBeUndefined();
    await last.delete();
    expect(await failure(Sandbox.get({ ...access, name: 'source', resume: true }))).toEqual([
      ...[410, 'snapshot_not_found'],
    ]);
    for (const one of [source, copy, fork]) await one.delete();
  });

  test('have drives', async () => {
    const drive = await Drive.getOrCreate({ ...access, name: 'shared' });
    const mounts = { '/vercel/shared': drive };
    const [one, two] = await Promise.all([
      Sandbox.create({ ...access, mounts }),
      Sandbox.create({ ...access, mounts }),
    ]);
    await one.runCommand('sh', ['-c', 'echo for all >shared/file']);
    expect(await (await two.runCommand('cat', ['shared/file'])).stdout()).toBe('for all\n');
    await Promise.all([one.delete(), two.delete()]);
    await drive.delete();
    expect((await Drive.list(access)).drives).toEqual([]);
  });

  test('say what they may reach in the vendor’s own words, and are refused what there is not', async () => {
    await sandbox.update({ networkPolicy: 'deny-all' });
    expect(sandbox.networkPolicy).toBe('deny-all');
    const listed = Sandbox.create({ ...access, networkPolicy: { allow: ['example.org'] } });
    expect(await failure(listed)).toEqual([422, 'unsupported']);
    expect(await failure(Sandbox.create({ ...access, image: 'no/image' }))).toEqual([
      ...[404, 'not_found'],
    ]);
    const stranger = { ...access, token: 'wrong' };
    expect(await failure(Sandbox.get({ ...stranger, name: 'first' }))).toEqual([
      401,
      'unauthorized',
    ]);
  });

  test('have ports at the addresses of their routes', async () => {
    const server = await sandbox.runCommand({
      ...{ cmd: 'python3', args: ['-m', 'http.server', '8000'], cwd: '/etc', detached: true },
    });
    const [route] = sandbox.routes;
    expect(route).toMatchObject({ port: 8000, subdomain: expect.stringMatching(/^sb-/) as string });
    await vi.waitUntil(async () => (await fetch(`${route?.url}/hostname`)).status === 200, {
      timeout: 60_000,
    });
    await sandbox.update({ ports: [8001] });
    expect(sandbox.routes.map(({ port }) => port)).toEqual([8001]);
    expect((await fetch(sandbox.routes[0]?.url ?? '')).status).toBe(502);
    await server.kill();
  });

  test('that vanish end the streams of their commands, and cannot be reached', async () => {
    const vanishing = await Sandbox.create({ ...access, name: 'vanishing' });
    const running = await vanishing.runCommand({ cmd: 'sleep', args: ['1000'], detached: true });
    const logs = Array.fromAsync(running.logs()).catch((error: unknown) => error);
    expect(await started.emulator.vanish('vanishing')).toBe(true);
    expect(await logs).toBeInstanceOf(StreamError);
    expect(await failure(vanishing.runCommand('true'))).toEqual([502, 'bad_gateway']);
    await vanishing.delete();
  });
});

test('a program that knows the vendor’s address only is led here by the preload', async () => {
  const preload = path.join(import.meta.dirname, '../dist/vercel/preload.js');
  const program = `
    import { Sandbox } from '@vercel/sandbox';
    const sandbox = await Sandbox.create();
    console.log(await (await sandbox.runCommand('id', ['-un'])).stdout());
    await sandbox.delete();`;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--import', preload, '--input-type=module', '-e', program],
    {
      cwd: import.meta.dirname,
      env: { PATH: process.env['PATH'], HOME: '/nonexistent', ...started.emulator.environment },
      timeout: 100_000,
    },
  );
  expect(stdout.trim()).toBe('ubuntu');
});
