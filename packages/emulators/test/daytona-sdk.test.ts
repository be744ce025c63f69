import { type IncomingMessage, request } from 'node:http';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import {
  type Daytona,
  DaytonaAuthenticationError,
  DaytonaConflictError,
  DaytonaFileNotFoundError,
  DaytonaNotFoundError,
  DaytonaProcessExecutionTimeoutError,
  DaytonaRateLimitError,
  DaytonaSessionEndedError,
  DaytonaUnprocessableEntityError,
  type Sandbox,
} from '@daytonaio/sdk';
import { account } from '../src/daytona/daytona-sandbox.ts';
import { type DaytonaEmulator, startDaytona } from './daytona-emulator.ts';
import { until } from './e2b-emulator.ts';

// The vendor's own SDK, unmodified, over its surface.

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let started: DaytonaEmulator;
let daytona: Daytona;
let sandbox: Sandbox;

beforeAll(async () => {
  started = await startDaytona();
  daytona = started.client;
  sandbox = await daytona.create(
    { labels: { team: 'a b', 'x/y': '1%2' }, envVars: { GREETING: 'hello' }, autoStopInterval: 0 },
    { timeout: 0 },
  );
});
afterAll(() => started[Symbol.asyncDispose]());

/** A condition that a class of the SDK's errors describes. */
const failure = (work: Promise<unknown>): Promise<unknown> => work.catch((error: unknown) => error);

describe('commands', () => {
  test('run as the user at home, both outputs as one', async () => {
    const line = 'echo "$GREETING $NAME"; pwd; id -un; echo err >&2; exit 3';
    expect(await sandbox.process.executeCommand(line, undefined, { NAME: 'you' })).toMatchObject({
      exitCode: 3,
      result: 'hello you\n/home/daytona\ndaytona\nerr\n',
    });
    expect((await sandbox.process.executeCommand('pwd', '/tmp')).result).toBe('/tmp\n');
    expect((await sandbox.process.executeCommand('pwd', '/nowhere')).exitCode).toBe(-1);
    const late = sandbox.process.executeCommand('sleep 1000', undefined, undefined, 1);
    expect(await failure(late)).toBeInstanceOf(DaytonaProcessExecutionTimeoutError);
    const code = await sandbox.process.codeRun('import sys; print(sys.argv[1])', { argv: ['x'] });
    expect([code.exitCode, code.result]).toEqual([0, 'x\n']);
  });

  test('of a session share a shell, and keep their outputs apart', async () => {
    const { process } = sandbox;
    await process.createSession('one');
    expect(await failure(process.createSession('one'))).toBeInstanceOf(DaytonaConflictError);
    const run = (command: string): ReturnType<typeof process.executeSessionCommand> =>
      process.executeSessionCommand('one', { command });
    const first = await run('cd /tmp; export KEPT=5; echo out; echo err >&2; printf x');
    expect(first).toMatchObject({ exitCode: 0, stdout: 'out\nx', stderr: 'err\n' });
    expect(await run('echo $KEPT; pwd; false')).toMatchObject({ exitCode: 1, stdout: '5\n/tmp\n' });
    const command = 'read word; echo "<$word>"; echo e >&2; head -c 300000 /dev/zero | tr "\\0" z';
    const { cmdId } = await process.executeSessionCommand('one', { command, runAsync: true });
    const seen = { out: '', err: '' };
    const logs = process.getSessionCommandLogs(
      ...(['one', cmdId] as const),
      (text) => void (seen.out += text),
      (text) => void (seen.err += text),
    );
    await process.sendSessionCommandInput('one', cmdId, 'word\n');
    await logs;
    expect(seen).toEqual({ out: `<word>\n${'z'.repeat(300_000)}`, err: 'e\n' });
    expect(await process.getSessionCommand('one', cmdId)).toMatchObject({ command, exitCode: 0 });
    expect((await process.getSessionCommandLogs('one', cmdId)).stderr).toBe('e\n');
    expect((await process.listSessions()).map(({ sessionId }) => sessionId)).toContain('one');
    // What it writes before it ends its shell arrives too.
    const last = await run('export PATH=/nowhere; /usr/bin/seq 20000; exit 7');
    expect([last.exitCode, last.stdout?.split('\n').length]).toEqual([7, 20_001]);
    expect(await failure(run('true'))).toBeInstanceOf(DaytonaSessionEndedError);
    await process.deleteSession('one');
    expect(await failure(process.getSession('one'))).toBeInstanceOf(DaytonaNotFoundError);
  });

  test('of a session take no input once they have ended, nor on the way there', async () => {
    const { process } = sandbox;
    await process.createSession('fed');
    await process.executeSessionCommand('fed', { command: 'export PATH=/nowhere' });
    const asked = { command: 'read word; echo "<$word>"', runAsync: true };
    const { cmdId } = await process.executeSessionCommand('fed', asked);
    await process.sendSessionCommandInput('fed', cmdId, 'word\n');
    await until(async () => (await process.getSessionCommand('fed', cmdId)).exitCode === 0);
    const late = await failure(process.sendSessionCommandInput('fed', cmdId, 'more\n'));
    expect(late).toMatchObject({ statusCode: 410, code: 'COMMAND_ALREADY_COMPLETED' });
    // Its place is gone before the emulator knows of its end.
    const line = '/bin/rm -f /tmp/.daytona-sessions/*; echo >/tmp/removed; /bin/sleep 1';
    const brief = await process.executeSessionCommand('fed', { command: line, runAsync: true });
    await until(async () => (await process.executeCommand('ls /tmp/removed')).exitCode === 0);
    const vain = await failure(process.sendSessionCommandInput('fed', brief.cmdId, 'x\n'));
    expect(vain).toMatchObject({ statusCode: 410, code: 'COMMAND_ALREADY_COMPLETED' });
    await process.deleteSession('fed');
  });

  test('of a session that is deleted are killed', async () => {
    const { process } = sandbox;
    await process.createSession('two');
    await process.executeSessionCommand('two', { command: 'sleep 7654321', runAsync: true });
    const count = async (): Promise<string> =>
      (await process.executeCommand('ps ax | grep -c "[7]654321"')).result;
    await until(async () => (await count()) === '1\n');
    await process.deleteSession('two');
    await vi.waitUntil(async () => (await count()) === '0\n', { timeout: 100_000 });
    expect(await failure(process.getSession('two'))).toBeInstanceOf(DaytonaNotFoundError);
  });

  test('in a terminal see its size and variables', async () => {
    let screen = '';
    const terminal = await sandbox.process.createPty({
      ...{ id: 'pty', cols: 90, rows: 30, cwd: '/tmp', envs: { WORD: 'typed' } },
      onData: (bytes) => void (screen += Buffer.from(bytes).toString()),
    });
    await terminal.sendInput('stty size; echo "<$WORD>"; pwd\n');
    await until(() => /30 90\r\n<typed>\r\n\/tmp/.test(screen));
    expect(await terminal.resize(40, 10)).toMatchObject({ cols: 40, rows: 10 });
    await terminal.sendInput('stty size\n');
    await until(() => screen.includes('10 40'));
    expect((await sandbox.process.listPtySessions()).map(({ id }) => id)).toEqual(['pty']);
    await terminal.sendInput('exit 4\n');
    expect(await terminal.wait()).toMatchObject({ exitCode: 4 });
    const twice = await Promise.allSettled(
      [1, 2].map(() => sandbox.process.createPty({ id: 'twin', onData: () => undefined })),
    );
    expect(twice.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    const killed = await sandbox.process.createPty({ id: 'killed', onData: () => undefined });
    await killed.kill();
    expect((await killed.wait()).exitCode).toBe(137);
  });
});

describe('files', () => {
  test('go in and out in every form', async () => {
    const bytes = Buffer.from(new Uint8Array(300_000).map((_, index) => index % 251));
    await sandbox.fs.uploadFile(Buffer.from('grüße'), 'a/text.txt');
    expect((await sandbox.fs.downloadFile('a/text.txt')).toString()).toBe('grüße');
    await sandbox.fs.uploadFiles([
      { source: bytes, destination: '/tmp/first' },
      { source: Buffer.from(''), destination: '/tmp/"2"' },
    ]);
    const answers = await sandbox.fs.downloadFiles([
      { source: '/tmp/first' },
      { source: '/tmp/none' },
      { source: '/tmp/"2"' },
    ]);
    expect(bytes.equals(answers[0]?.result as Buffer)).toBe(true);
    expect(answers[1]?.errorDetails).toMatchObject({ code: 'FILE_NOT_FOUND', statusCode: 404 });
    expect(answers[2]?.result).toHaveLength(0);
    await sandbox.fs.uploadFileStream(new Blob([bytes]).stream(), 'streamed ü');
    const stream = await sandbox.fs.downloadFileStream('streamed ü');
    expect(bytes.equals(Buffer.concat(await stream.toArray()))).toBe(true);
    const absent = await failure(sandbox.fs.downloadFile('a/none'));
    expect(absent).toBeInstanceOf(DaytonaFileNotFoundError);
    expect(absent).toMatchObject({ source: 'DAYTONA_DAEMON', statusCode: 404 });
  });

  test('are looked at, moved, changed and removed', async () => {
    const { fs } = sandbox;
    await fs.createFolder('d/e', '750');
    await fs.uploadFile(Buffer.from('12345'), 'd/file');
    await fs.setFilePermissions('d/file', { mode: '640' });
    expect(await fs.getFileDetails('d/file')).toMatchObject({
      ...{ name: 'file', size: 5, isDir: false, permissions: '0640', owner: 'daytona' },
    });
    const listed = await fs.listFiles('d');
    expect(listed.map(({ name, isDir }) => [name, isDir])).toEqual([
      ['e', true],
      ['file', false],
    ]);
    await fs.moveFiles('d/file', 'd/e/moved');
    expect(await failure(fs.moveFiles('d/e', 'd/e'))).toBeInstanceOf(DaytonaConflictError);
    expect(await failure(fs.moveFiles('d/e', 'no/where'))).toBeInstanceOf(DaytonaNotFoundError);
    const deep = await fs.listFiles('d', { depth: 2 });
    expect(deep.map(({ path }) => path)).toContain(`${account.home}/d/e/moved`);
    expect((await fs.searchFiles('d', 'mov*')).files).toEqual([`${account.home}/d/e/moved`]);
    expect(await fs.findFiles('d', '234')).toEqual([
      { file: `${account.home}/d/e/moved`, line: 1, content: '12345' },
    ]);
    expect(await fs.replaceInFiles(['d/e/moved', 'none'], '34', '-')).toMatchObject([
      { success: true },
      { success: false },
    ]);
    expect((await fs.downloadFile('d/e/moved')).toString()).toBe('12-5');
    expect(await failure(fs.deleteFile('d'))).toMatchObject({ statusCode: 400 });
    await fs.deleteFile('d', true);
    expect(await failure(fs.getFileDetails('d'))).toBeInstanceOf(DaytonaFileNotFoundError);
  });

  test('are reached by signed links and by nothing else', async () => {
    await sandbox.fs.uploadFile(Buffer.from('contents'), '/tmp/signed');
    const link = await sandbox.downloadUrl('/tmp/signed', 3600);
    expect(await (await fetch(link)).text()).toBe('contents');
    expect((await fetch(link.replace('signed', 'first'))).status).toBe(401);
    const up = await sandbox.uploadUrl('/tmp/up', 3600);
    expect((await fetch(up, { method: 'POST', body: 'by link' })).status).toBe(200);
    expect((await sandbox.fs.downloadFile('/tmp/up')).toString()).toBe('by link');
    await sandbox.rotateSigningKey();
    expect((await fetch(link)).status).toBe(401);
  });

  test('are kept in git', async () => {
    const { git } = sandbox;
    await git.init('repository', false, 'main');
    await sandbox.fs.uploadFile(Buffer.from('1'), 'repository/a file');
    expect(await git.status('repository')).toMatchObject({
      currentBranch: 'main',
      fileStatus: [{ name: 'a file', staging: 'Untracked', worktree: 'Untracked' }],
    });
    await git.add('repository', ['.']);
    const { sha } = await git.commit('repository', 'first\n\nmore', 'An Author', 'a@example.org');
    await git.createBranch('repository', 'other');
    const again = await failure(git.createBranch('repository', 'other'));
    expect(again).toMatchObject({ code: 'GIT_BRANCH_EXISTS' });
    await git.checkoutBranch('repository', 'other');
    expect(await git.branches('repository')).toEqual({
      ...{ branches: ['main', 'other'], current: 'other' },
    });
    await git.clone(`${account.home}/repository`, 'clone');
    expect((await git.status('clone')).fileStatus).toEqual([]);
    expect((await git.remotes('clone')).remotes).toEqual([
      { name: 'origin', url: `${account.home}/repository` },
    ]);
    const log = await sandbox.process.executeCommand('git -C clone log --format=%H%x20%an%x20%s');
    expect(log.result).toBe(`${sha} An Author first\n`);
    expect(await failure(git.status('none'))).toMatchObject({ code: 'GIT_REPO_NOT_FOUND' });
  });
});

test('errors have the bodies of the services that they come from', async () => {
  const { key, url } = started.emulator;
  const headers = { authorization: `Bearer ${key}` };
  const bodyOf = async (place: string): Promise<unknown> =>
    (await fetch(`${url}${place}`, { headers })).json();
  const timestamp = expect.stringMatching(/^\d{4}-.*Z$/) as string;
  expect(await bodyOf('/api/sandbox/none')).toEqual({
    ...{ path: '/api/sandbox/none', timestamp, statusCode: 404, error: 'Not Found' },
    message: 'Sandbox with ID or name none not found',
  });
  expect(await bodyOf(`/toolbox/${sandbox.id}/files/info?path=/none`)).toEqual({
    ...{ path: '/files/info', method: 'GET', timestamp, statusCode: 404 },
    ...{ code: 'FILE_NOT_FOUND', source: 'DAYTONA_DAEMON', message: 'file not found: /none' },
  });
  expect(await bodyOf('/toolbox/none/files/info?path=/none')).toMatchObject({
    ...{ source: 'DAYTONA_PROXY', statusCode: 404 },
  });
  expect(await bodyOf('/api/sandbox?cursor=x')).toMatchObject({ statusCode: 400 });
});

describe('sandboxes', () => {
  test('are found by id, name and labels, page by page', async () => {
    const second = await daytona.create(
      { name: 'second', labels: { team: 'a b' } },
      { timeout: 0 },
    );
    const ids = async (labels: Record<string, string>, limit: number): Promise<string[]> =>
      (await Array.fromAsync(daytona.list({ labels, limit }))).map(({ id }) => id);
    expect(await ids({ team: 'a b' }, 100)).toEqual([second.id, sandbox.id]);
    expect(await ids({ team: 'a b' }, 1)).toEqual([second.id, sandbox.id]);
    expect(await ids({ 'x/y': '1%2' }, 100)).toEqual([sandbox.id]);
    expect((await daytona.get('second')).id).toBe(second.id);
    const taken = await failure(daytona.create({ name: 'second' }));
    expect(taken).toBeInstanceOf(DaytonaConflictError);
    expect(await second.setLabels({ team: 'other' })).toEqual({ team: 'other' });
    expect(await ids({ team: 'a b' }, 100)).toEqual([sandbox.id]);
    await second.delete(0, true);
    expect(await failure(daytona.get('second'))).toBeInstanceOf(DaytonaNotFoundError);
  });

  test('stop without what runs in them, and start again', async () => {
    const stopped = await daytona.create({}, { timeout: 0 });
    await stopped.fs.uploadFile(Buffer.from('yes'), 'kept');
    await stopped.process.createSession('s');
    const command = 'while sleep 0.1; do echo tick; done';
    const { cmdId } = await stopped.process.executeSessionCommand('s', { command, runAsync: true });
    let ticks = '';
    const logs = stopped.process.getSessionCommandLogs(
      ...(['s', cmdId] as const),
      (text) => void (ticks += text),
      () => undefined,
    );
    await until(() => ticks !== '');
    await stopped.stop(0);
    await logs;
    expect(stopped.state).toBe('stopped');
    expect(await failure(stopped.process.executeCommand('true'))).toMatchObject({
      statusCode: 400,
    });
    const paused = await failure(stopped.pause());
    expect(paused).toBeInstanceOf(DaytonaUnprocessableEntityError);
    await stopped.archive();
    await until(async () => {
      await stopped.refreshData();
      return stopped.state === 'archived';
    });
    await stopped.start(0);
    expect((await stopped.fs.downloadFile('kept')).toString()).toBe('yes');
    expect(await stopped.process.listSessions()).toEqual([]);
    await stopped.delete(0, true);
  });

  test('of the class of virtual machines are paused and forked', async () => {
    const machine = await daytona.create({ snapshot: 'daytona-linux-vm' }, { timeout: 0 });
    await machine.fs.uploadFile(Buffer.from('yes'), 'kept');
    await machine.pause(0);
    expect(machine.state).toBe('paused');
    await machine.start(0);
    const fork = await machine.fork({ name: 'the-fork' }, 0);
    expect((await fork.fs.downloadFile('kept')).toString()).toBe('yes');
    await fork.fs.uploadFile(Buffer.from('own'), 'kept');
    expect((await machine.fs.downloadFile('kept')).toString()).toBe('yes');
    await Promise.all([machine.delete(0, true), fork.delete(0, true)]);
  });

  test('are kept as snapshots, and have volumes', async () => {
    const volume = await daytona.volume.get('shared', true);
    const volumes = [{ volumeId: volume.id, mountPath: `${account.home}/shared` }];
    const source = await daytona.create({ envVars: { FROM: 'source' }, volumes }, { timeout: 0 });
    await source.fs.uploadFile(Buffer.from('as it was'), 'kept');
    await source.fs.uploadFile(Buffer.from('for all'), 'shared/file');
    await source.createSnapshot('mine', 0);
    await source.fs.uploadFile(Buffer.from('changed'), 'kept');
    const copy = await daytona.create({ snapshot: 'mine', volumes }, { timeout: 0 });
    const look = await copy.process.executeCommand('cat kept shared/file; echo " $FROM"');
    expect(look.result).toBe('as it wasfor all source\n');
    expect((await daytona.snapshot.list()).items.map(({ name }) => name)).toContain('mine');
    await daytona.snapshot.delete(await daytona.snapshot.get('mine'));
    const gone = await failure(daytona.create({ snapshot: 'mine' }));
    expect(gone).toBeInstanceOf(DaytonaNotFoundError);
    await Promise.all([source.delete(0, true), copy.delete(0, true)]);
    await daytona.volume.delete(volume);
    expect(await daytona.volume.list()).toEqual([]);
  });

  test('tell what they use', async () => {
    expect(await sandbox.getMetricsLatest()).toMatchObject({ cpuCount: 1, memTotal: 2 ** 30 });
    const [reading] = await sandbox.getMetrics();
    expect(reading?.memUsed).toBeGreaterThan(0);
    expect(await sandbox.getWorkDir()).toBe(account.home);
  });

  test('are stopped, archived and deleted by the clock, and wait for no poll', async () => {
    const { clock } = started.emulator;
    const idle = await daytona.create(
      { autoStopInterval: 10, autoDeleteInterval: 60 },
      { timeout: 0 },
    );
    const brief = await daytona.create({ autoStopInterval: 0, ttlMinutes: 5 }, { timeout: 0 });
    await clock.advance(4 * 60_000);
    await brief.setTtl(20);
    await clock.advance(7 * 60_000);
    // Told by an event: nothing was asked since.
    await until(() => idle.state === 'stopped');
    await brief.refreshData();
    expect(brief.state).toBe('started');
    await clock.advance(14 * 60_000);
    expect(await failure(daytona.get(brief.id))).toBeInstanceOf(DaytonaNotFoundError);
    await clock.advance(60 * 60_000);
    expect(await failure(daytona.get(idle.id))).toBeInstanceOf(DaytonaNotFoundError);
    await sandbox.refreshData();
    expect(sandbox.state).toBe('started');
  });

  test('are made for those with the key, of what there is, as fast as the account may', async () => {
    const stranger = started.connect({ apiKey: `dtn_${'0'.repeat(64)}` });
    expect(await failure(stranger.get('x'))).toBeInstanceOf(DaytonaAuthenticationError);
    expect(await failure(daytona.create({ snapshot: 'unknown' }))).toBeInstanceOf(
      DaytonaNotFoundError,
    );
    const refused = daytona.create({ networkAllowList: '1.1.1.1/32' });
    await expect(refused).rejects.toThrow('unsupported');
    const image = daytona.create({ name: 'built', image: 'no/such:image' }, { timeout: 0 });
    await expect(image).rejects.toThrow('build_failed');
    expect((await daytona.get('built')).errorReason).toContain('no/such:image not found');
    await using limited = await startDaytona({ quotas: { createsPerSecond: 0.001 } });
    const both = await Promise.allSettled([limited.client.create(), limited.client.create()]);
    const errors = both.flatMap((one) =>
      one.status === 'rejected' ? [one.reason as unknown] : [],
    );
    expect(errors).toEqual([expect.any(DaytonaRateLimitError)]);
  });

  test('that vanish break the logs of their commands, and are told to be out of reach', async () => {
    const vanishing = await daytona.create({}, { timeout: 0 });
    await vanishing.process.createSession('s');
    const asked = { command: 'echo begun; sleep 1000', runAsync: true };
    const { cmdId } = await vanishing.process.executeSessionCommand('s', asked);
    let seen = '';
    const note = (text: string): void => void (seen += text);
    const logs = vanishing.process.getSessionCommandLogs('s', cmdId, note, note);
    await until(() => seen === 'begun\n');
    expect(await started.emulator.vanish(vanishing.id)).toBe(true);
    await logs;
    const next = await failure(vanishing.process.executeCommand('true'));
    expect(next).toMatchObject({ statusCode: 502, source: 'DAYTONA_PROXY' });
  });
});

describe('ports', () => {
  const server = 'cd /etc && exec python3 -m http.server 8000';

  test('are private, and reached with a token or by a signed link', async () => {
    await sandbox.process.createSession('server');
    await sandbox.process.executeSessionCommand('server', { command: server, runAsync: true });
    const { url, token } = await sandbox.getPreviewLink(8000);
    const headers = { 'x-daytona-preview-token': token };
    await until(async () => (await fetch(`${url}/hostname`, { headers })).status === 200);
    expect((await fetch(`${url}/hostname`)).status).toBe(401);
    const query = new URLSearchParams({ DAYTONA_SANDBOX_AUTH_KEY: token });
    expect((await fetch(`${url}/hostname?${query.toString()}`)).status).toBe(200);
    // The server is the guest's: what lets a request in is not passed on to it.
    const echo =
      'import http.server as h\nclass H(h.BaseHTTPRequestHandler):\n def do_GET(s):\n  s.send_response(200);s.end_headers();s.wfile.write((s.path+str(s.headers)).encode())\nh.HTTPServer(("127.0.0.1",8002),H).serve_forever()';
    await sandbox.process.createSession('echo');
    await sandbox.process.executeSessionCommand('echo', {
      ...{ command: `python3 -c '${echo}'`, runAsync: true },
    });
    const echoed = await sandbox.getPreviewLink(8002);
    const shown = async (init: RequestInit, search = ''): Promise<string> =>
      (await fetch(`${echoed.url}/?a=1${search}&b=2`, init)).text();
    await until(async () => (await shown({ headers })).includes('/?a=1&b=2'));
    const bearer = { authorization: `Bearer ${started.emulator.key}` };
    const seen = [
      await shown({ headers: { ...headers, cookie: `x=1; daytona-sandbox-auth-1=${token}` } }),
      await shown({ headers: bearer }),
      await shown({}, `&${query.toString()}`),
    ].join('\n');
    expect(seen).toContain('cookie: x=1');
    for (const secret of [token, started.emulator.key]) expect(seen).not.toContain(secret);
    await sandbox.process.deleteSession('echo');
    const closed = await sandbox.getPreviewLink(8001);
    expect((await fetch(closed.url, { headers })).status).toBe(502);

    const signed = await sandbox.getSignedPreviewUrl(8000, 3600);
    expect(await statusOf(signed.url)).toBe(200);
    await sandbox.expireSignedPreviewUrl(8000, signed.token);
    expect(await statusOf(signed.url)).toBe(404);
    await sandbox.process.deleteSession('server');
  });

  /** As a browser does it, which knows that names below localhost are this machine. */
  async function statusOf(link: string): Promise<number> {
    const { host, port } = new URL(link);
    const asked = request({ host: '127.0.0.1', port, path: '/hostname', headers: { host } });
    asked.end();
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    answer.resume();
    return answer.statusCode ?? 0;
  }
});
