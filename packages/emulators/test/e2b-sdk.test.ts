import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import {
  AuthenticationError,
  CommandExitError,
  FileNotFoundError,
  Sandbox,
  SandboxNotFoundError,
  TimeoutError,
} from 'e2b';
import { guestHome } from '../src/e2b/e2b-sandbox.ts';
import { type E2bEmulator, startE2b, until } from './e2b-emulator.ts';

// The vendor's own SDK, unmodified, over its surface.

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let e2b: E2bEmulator;
let sandbox: Sandbox;

beforeAll(async () => {
  e2b = await startE2b();
  sandbox = await e2b.create({
    metadata: { team: 'a b', 'x/y': '1%2&3=4' },
    envs: { GREETING: 'hello' },
  });
});
afterAll(() => e2b[Symbol.asyncDispose]());

describe('commands', () => {
  test('run as the user at home, with the environment of the sandbox and their own', async () => {
    const line = 'echo "$GREETING $NAME"; pwd; id -un; echo $HOME; echo err >&2';
    const result = await sandbox.commands.run(line, { envs: { NAME: 'you' } });
    expect(result).toMatchObject({
      exitCode: 0,
      stdout: 'hello you\n/home/user\nuser\n/home/user\n',
      stderr: 'err\n',
    });
    const elsewhere = await sandbox.commands.run('pwd', { cwd: '/tmp' });
    expect(elsewhere.stdout).toBe('/tmp\n');
    await expect(sandbox.commands.run('pwd', { cwd: '/nowhere' })).rejects.toThrow(
      "cwd '/nowhere' does not exist",
    );
  });

  test('end with a code, or by a signal', async () => {
    const failed = await sandbox.commands.run('echo out; exit 3').catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(CommandExitError);
    expect(failed).toMatchObject({ exitCode: 3, stdout: 'out\n', error: 'exit status 3' });
    const killed = await sandbox.commands.run('kill -9 $$').catch((error: unknown) => error);
    expect(killed).toMatchObject({ exitCode: -1, error: 'signal: killed' });
  });

  test('are fed, listed, followed from a second place, and killed', async () => {
    const cat = await sandbox.commands.run('cat', {
      ...{ background: true, stdin: true, timeoutMs: 0 },
    });
    let seen = '';
    const second = await sandbox.commands.connect(cat.pid, {
      timeoutMs: 0,
      onStdout: (text) => void (seen += text),
    });
    await cat.sendStdin('one\n');
    await until(() => seen === 'one\n');
    const running = await sandbox.commands.list();
    expect(running.map(({ pid, args }) => [pid, args.at(-1)])).toContainEqual([cat.pid, 'cat']);
    await cat.closeStdin();
    expect(await cat.wait()).toMatchObject({ exitCode: 0, stdout: 'one\n' });
    expect(await second.wait()).toMatchObject({ exitCode: 0, stdout: 'one\n' });

    const sleep = await sandbox.commands.run('sleep 1000', { background: true, timeoutMs: 0 });
    expect(await sleep.kill()).toBe(true);
    await expect(sleep.wait()).rejects.toMatchObject({ error: 'signal: killed' });
    expect(await sandbox.commands.kill(sleep.pid)).toBe(false);
    expect(await sandbox.commands.kill(4_000_000)).toBe(false);
  });

  test('are killed when their time is up, and go on when their client lets go', async () => {
    const late = sandbox.commands.run('echo $$ >/tmp/late; sleep 1000', { timeoutMs: 1500 });
    await expect(late).rejects.toBeInstanceOf(TimeoutError);
    await until(async () => {
      const left = await sandbox.commands.run('kill -0 $(cat /tmp/late) 2>/dev/null; echo $?');
      return left.stdout !== '0\n';
    });
    const kept = await sandbox.commands.run('sleep 1000', { background: true, timeoutMs: 0 });
    await kept.disconnect();
    const again = await sandbox.commands.connect(kept.pid, { timeoutMs: 0 });
    expect(await again.kill()).toBe(true);
  });

  test('end although something they started goes on', async () => {
    const result = await sandbox.commands.run('sleep 1000 & echo started');
    expect(result.stdout).toBe('started\n');
  });

  test('of another user than there is are refused', async () => {
    const refused = sandbox.commands.run('id', { user: 'root' });
    await expect(refused).rejects.toThrow(/invalid username: 'root'/);
  });
});

test('a terminal has a size, an echo, a process id and an exit code', async () => {
  let screen = '';
  const terminal = await sandbox.pty.create({
    ...{ cols: 90, rows: 30, timeoutMs: 0 },
    onData: (bytes) => void (screen += Buffer.from(bytes).toString()),
  });
  const type = (text: string): Promise<void> =>
    sandbox.pty.sendInput(terminal.pid, Buffer.from(text));
  await type('stty size; echo pid $$\n');
  await until(() => screen.includes('30 90') && screen.includes(`pid ${terminal.pid}`));
  await sandbox.pty.resize(terminal.pid, { cols: 40, rows: 10 });
  await type('stty size\n');
  await until(() => screen.includes('10 40'));
  await expect(sandbox.commands.closeStdin(terminal.pid)).rejects.toThrow('PTY');
  await type('exit 4\n');
  await expect(terminal.wait()).rejects.toMatchObject({ exitCode: 4 });
});

describe('files', () => {
  test('are written and read in every form', async () => {
    const bytes = new Uint8Array(300_000).map((_, index) => index % 251);
    expect(await sandbox.files.write('a/text.txt', 'grüße')).toMatchObject({
      path: `${guestHome}/a/text.txt`,
      name: 'text.txt',
    });
    expect(await sandbox.files.read('a/text.txt')).toBe('grüße');
    await sandbox.files.write('/tmp/stream', new Blob([bytes]).stream());
    const stream = await sandbox.files.read('/tmp/stream', { format: 'stream' });
    expect(Buffer.from(await new Response(stream).arrayBuffer()).equals(bytes)).toBe(true);
    await sandbox.files.write('/tmp/zipped', bytes.buffer, { gzip: true });
    expect(await sandbox.files.read('/tmp/zipped', { format: 'bytes', gzip: true })).toEqual(bytes);
    await sandbox.files.write('empty', '');
    expect(await sandbox.files.read('empty')).toBe('');
    const many = await sandbox.files.writeFiles([
      { path: 'b 1', data: '1' },
      { path: '/tmp/"2"', data: '22' },
    ]);
    expect(many.map(({ path }) => path)).toEqual([`${guestHome}/b 1`, '/tmp/"2"']);
    expect(await sandbox.files.read('/tmp/"2"')).toBe('22');
  });

  test('are looked at, moved and removed', async () => {
    expect(await sandbox.files.makeDir('d/e')).toBe(true);
    expect(await sandbox.files.makeDir('d/e')).toBe(false);
    await sandbox.files.write('d/file', '12345');
    await sandbox.commands.run('chmod 640 d/file; ln -s file d/link; ln -s nowhere d/broken');
    const entries = await sandbox.files.list('d', { depth: 1 });
    expect(entries.map(({ name, type }) => [name, type])).toEqual([
      ['e', 'dir'],
      ['file', 'file'],
      ['link', 'file'],
    ]);
    expect(entries[1]).toMatchObject({
      ...{ path: `${guestHome}/d/file`, size: 5, mode: 0o640, permissions: '-rw-r-----' },
      ...{ owner: 'user', group: 'user' },
    });
    expect(entries[2]).toMatchObject({ symlinkTarget: 'file', permissions: 'Lrwxrwxrwx' });
    await expect(sandbox.files.list('d/file')).rejects.toThrow('not a directory');
    expect((await sandbox.files.rename('d/file', 'new/place')).path).toBe(`${guestHome}/new/place`);
    expect(await sandbox.files.exists('d/file')).toBe(false);
    expect((await sandbox.files.getInfo('new/place')).size).toBe(5);
    await sandbox.files.remove('new');
    await sandbox.files.remove('new');
    await expect(sandbox.files.read('new/place')).rejects.toBeInstanceOf(FileNotFoundError);
    await expect(sandbox.files.read('d')).rejects.toThrow('is a directory');
  });

  test('keep what is said about them', async () => {
    await sandbox.files.write('m', 'x', { metadata: { author: 'me' } });
    expect((await sandbox.files.getInfo('m')).metadata).toEqual({ author: 'me' });
    await sandbox.files.rename('m', 'm2');
    expect((await sandbox.files.getInfo('m2')).metadata).toEqual({ author: 'me' });
  });

  test('are watched', async () => {
    await sandbox.files.makeDir('w/below');
    const events: string[] = [];
    const watch = await sandbox.files.watchDir(
      'w',
      ({ name, type, entry }) => void events.push(`${type} ${name} ${entry?.size ?? ''}`),
      { recursive: true, timeoutMs: 0, includeEntry: true },
    );
    await sandbox.files.write('w/below/new', '123');
    await until(() => events.some((event) => event.startsWith('create below/new')));
    await sandbox.files.remove('w/below/new');
    await until(() => events.includes('remove below/new '));
    await watch.stop();
    await expect(sandbox.files.watchDir('missing', () => undefined)).rejects.toThrow('not found');
  });

  test('are reached by signed links and by nothing else', async () => {
    await sandbox.files.write('signed', 'contents');
    const link = await sandbox.downloadUrl('signed', { useSignatureExpiration: 3600 });
    expect(await (await fetch(link)).text()).toBe('contents');
    const part = await fetch(link, { headers: { range: 'bytes=3-5' } });
    expect([part.status, await part.text()]).toEqual([206, 'ten']);
    const up = await sandbox.uploadUrl('up', { useSignatureExpiration: 3600 });
    const form = new FormData();
    form.append('file', new Blob(['by link']), 'ignored');
    expect((await fetch(up, { method: 'POST', body: form })).status).toBe(200);
    expect(await sandbox.files.read('up')).toBe('by link');
    expect((await fetch(link.replace('path=signed', 'path=up'))).status).toBe(401);
  });
});

describe('sandboxes', () => {
  test('are found by what was said about them, page by page', async () => {
    const second = await e2b.create({ metadata: { team: 'a b' } });
    const listed = async (
      query: Record<string, string>,
      limit = 100,
      order: 'asc' | 'desc' = 'desc',
    ): Promise<string[]> => {
      const pages = Sandbox.list({
        ...e2b.connection,
        ...{ query: { metadata: query }, limit, order },
      });
      const ids: string[] = [];
      while (pages.hasNext)
        ids.push(...(await pages.nextItems()).map(({ sandboxId }) => sandboxId));
      return ids;
    };
    const both = [second.sandboxId, sandbox.sandboxId];
    expect(await listed({ team: 'a b' })).toEqual(both);
    expect(await listed({ team: 'a b' }, 1)).toEqual(both);
    expect(await listed({ team: 'a b' }, 1, 'asc')).toEqual(both.toReversed());
    expect(await listed({ 'x/y': '1%2&3=4' })).toEqual([sandbox.sandboxId]);
    expect(await listed({ team: 'other' })).toEqual([]);
    expect(await second.kill()).toBe(true);
    expect(await Sandbox.kill(second.sandboxId, e2b.connection)).toBe(false);
    expect(await listed({ team: 'a b' })).toEqual([sandbox.sandboxId]);
  });

  test('pause with what runs in them, and without', async () => {
    const paused = await e2b.create();
    await paused.files.write('kept', 'yes');
    const counting = await paused.commands.run('n=0; while sleep 0.1; do n=$((n+1)); done', {
      ...{ background: true, timeoutMs: 0 },
    });
    expect(await paused.pause()).toBe(true);
    expect(await paused.pause()).toBe(false);
    expect(await paused.isRunning()).toBe(false);
    await expect(counting.wait()).rejects.toBeInstanceOf(TimeoutError);
    const [info] = await Sandbox.list({
      ...e2b.connection,
      query: { state: ['paused'] },
    }).nextItems();
    expect(info).toMatchObject({ sandboxId: paused.sandboxId, state: 'paused' });

    const again = await Sandbox.connect(paused.sandboxId, e2b.connection);
    expect((await again.commands.list()).map(({ pid }) => pid)).toEqual([counting.pid]);
    expect(await again.files.read('kept')).toBe('yes');
    expect(await again.pause({ keepMemory: false })).toBe(true);
    const rebooted = await Sandbox.connect(paused.sandboxId, e2b.connection);
    expect(await rebooted.commands.list()).toEqual([]);
    expect(await rebooted.files.read('kept')).toBe('yes');
    await rebooted.kill();
  });

  test('end or pause when their time is over, and wake by themselves', async () => {
    const { clock } = e2b.emulator;
    const ends = await e2b.create({ timeoutMs: 3_600_000 });
    const pauses = await e2b.create({
      ...{ timeoutMs: 3_600_000, lifecycle: { onTimeout: 'pause', autoResume: true } },
    });
    await ends.setTimeout(7_200_000);
    await clock.advance(4_000_000);
    expect(await ends.isRunning()).toBe(true);
    expect((await Sandbox.getInfo(pauses.sandboxId, e2b.connection)).state).toBe('paused');
    expect((await pauses.commands.run('echo awake')).stdout).toBe('awake\n');
    await clock.advance(4_000_000);
    expect(await ends.isRunning()).toBe(false);
    await expect(ends.commands.run('true')).rejects.toBeInstanceOf(SandboxNotFoundError);
    await expect(Sandbox.getInfo(ends.sandboxId, e2b.connection)).rejects.toBeInstanceOf(
      SandboxNotFoundError,
    );
    await pauses.kill();
  });

  test('that are killed under a command break its connection', async () => {
    const killed = await e2b.create();
    const running = killed.commands.run('sleep 1000', { timeoutMs: 0 });
    const outcome = running.catch((error: unknown) => error);
    await until(async () => (await killed.commands.list()).length === 1);
    expect(await killed.kill()).toBe(true);
    // Never a made-up exit code.
    expect(await outcome).toBeInstanceOf(TimeoutError);
  });

  test('are kept as snapshots and forked, as long as nothing runs whose memory would be lost', async () => {
    const source = await e2b.create({ envs: { FROM: 'source' } });
    await source.files.write('kept', 'as it was');
    await source.commands.run('ln kept twin; echo setting >/etc/setting; chmod 751 kept');
    const running = await source.commands.run('sleep 1000', { background: true, timeoutMs: 0 });
    await expect(source.createSnapshot()).rejects.toThrow('unsupported');
    await expect(source.fork()).rejects.toThrow('unsupported');
    await running.kill();
    await running.wait().catch(() => undefined);

    const snapshot = await source.createSnapshot({ name: 'first' });
    expect(snapshot.names).toEqual([snapshot.snapshotId]);
    await source.files.write('kept', 'changed since');
    const listed = await source.listSnapshots().nextItems();
    expect(listed.map(({ snapshotId }) => snapshotId)).toEqual([snapshot.snapshotId]);
    const look = 'cat kept /etc/setting; stat -c "%a %h" kept; echo $FROM';
    const copy = await Sandbox.create(snapshot.snapshotId, e2b.connection);
    expect((await copy.commands.run(look)).stdout).toBe('as it wassetting\n751 2\nsource\n');
    expect(await Sandbox.deleteSnapshot(snapshot.snapshotId, e2b.connection)).toBe(true);
    expect(await Sandbox.deleteSnapshot(snapshot.snapshotId, e2b.connection)).toBe(false);
    await expect(Sandbox.create(snapshot.snapshotId, e2b.connection)).rejects.toThrow('not found');

    const clones = await source.fork({ count: 2 });
    const said = await Promise.all(
      clones.map(async (clone) => {
        if (clone instanceof Error) throw clone;
        await clone.files.write('own', clone.sandboxId);
        return [await clone.files.read('kept'), await clone.files.read('own')];
      }),
    );
    expect(said.map(([kept]) => kept)).toEqual(['changed since', 'changed since']);
    expect(new Set(said.map(([, own]) => own)).size).toBe(2);
    expect(await source.files.exists('own')).toBe(false);
  });

  test('tell what they use', async () => {
    const [reading] = await sandbox.getMetrics();
    expect(reading?.memUsed).toBeGreaterThan(0);
    expect((await sandbox.getInfo()).metadata).toEqual({ team: 'a b', 'x/y': '1%2&3=4' });
  });

  test('are made for those with the key, of templates that there are', async () => {
    const wrong = Sandbox.create({ ...e2b.connection, apiKey: `e2b_${'0'.repeat(40)}` });
    await expect(wrong).rejects.toBeInstanceOf(AuthenticationError);
    await expect(Sandbox.create('unknown', e2b.connection)).rejects.toThrow("'unknown' not found");
    // This machine's sandboxes have no network, and who asks for one is told so.
    await expect(e2b.create({ allowInternetAccess: true })).rejects.toThrow('unsupported');
    await expect(e2b.create({ network: { allowOut: ['1.1.1.1'] } })).rejects.toThrow('unsupported');
  });
});
