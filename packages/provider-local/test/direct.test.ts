import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseRef, type Provider } from '@gantry/core';
import { hostProcess } from '@gantry/core/node';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import localByDefault, { local } from '../src/index.ts';
import { collectAll, eventually } from './scenario.ts';

let scratch: string;
let stateDirectory: string;
let provider: Provider;

beforeEach(() => {
  scratch = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'gantry-direct-')));
  stateDirectory = path.join(scratch, 'state');
  provider = local({ isolation: 'none', stateDirectory });
});

afterEach(() => rmSync(scratch, { recursive: true, force: true }));

const isAlive = (pid: number): boolean => hostProcess.identifyProcess(pid) !== undefined;

describe('without isolation', () => {
  test('says so, and runs commands in a directory of the host with the given environment only', async () => {
    expect(provider.capabilities.traits.isolation).toBe('none');
    process.env['GANTRY_CANARY'] = 'canary';
    const manifest = { spec: 'gantry-manifest/1', env: { A: '1' } } as const;
    await using sandbox = await provider.create({ manifest });
    const workspace = path.join(stateDirectory, 'sandboxes', sandbox.ref.id, 'workspace');
    const { stdout } = await sandbox.exec('pwd; env', { env: { B: '2' } });
    const [directory, ...env] = stdout.text.trim().split('\n');
    expect(directory).toBe(workspace);
    expect(env.map((line) => line.replace(/=.*/, '')).toSorted()).toEqual([
      'A',
      'B',
      'HOME',
      'PATH',
      'PWD',
      'TMPDIR',
    ]);
    await sandbox.files.write('/workspace/a/b', 'text');
    expect(await sandbox.files.readText('a/b')).toBe('text');
  });

  test('tells every exit exactly', async () => {
    await using sandbox = await provider.create();
    const exitOf = async (line: string): Promise<unknown> => (await sandbox.exec(line)).exit;
    expect(await exitOf('exit 137')).toEqual({ code: 137 });
    expect(await exitOf('kill -KILL $$')).toEqual({ signal: 'SIGKILL' });
    expect(await exitOf('kill -INT $$')).toEqual({ signal: 'SIGINT' });
    expect((await sandbox.exec(['no-such-program'])).exit).toEqual({ code: 127 });
    expect((await sandbox.exec(['/etc'])).exit).toEqual({ code: 126 });
    expect((await sandbox.exec(['cat'], { stdin: 'in' })).stdout.text).toBe('in');
    await expect(sandbox.exec('true', { cwd: 'nowhere' })).rejects.toMatchObject({
      code: 'failed-precondition',
    });
  });

  test('is reached and destroyed by another process, with all that it has started', async () => {
    const sandbox = await provider.create({ labels: { a: 'b' } });
    const child = await sandbox.spawn('sleep 1000 & exec sleep 1000');
    const left = await sandbox.exec('sleep 1000 >/dev/null 2>&1 & echo $!');
    const pids = [child.pid ?? 0, Number(left.stdout.text)];
    expect(pids.every(isAlive)).toBe(true);
    const listed = await collectAll(provider.list({ labels: { a: 'b' } }));
    expect(listed.map(({ ref }) => ref)).toEqual([sandbox.ref]);
    await elsewhere(
      `const provider = local({ isolation: 'none', stateDirectory: ${JSON.stringify(stateDirectory)} });
       const sandbox = await provider.connect(${JSON.stringify(sandbox.ref)});
       await sandbox.exec('true');
       await provider.destroy(sandbox.ref);`,
    );
    await expect(child.exit).resolves.toEqual({ signal: 'SIGKILL' });
    await eventually(() => !pids.some(isAlive), 'all of its processes have ended');
    expect(readdirSync(path.join(stateDirectory, 'sandboxes'))).toEqual([]);
  });

  test('kills every descendant, daemons in sessions of their own too, and nobody else’s', async () => {
    expect(provider.capabilities.traits.kill).toBe('tree');
    await using sandbox = await provider.create();
    await using other = await provider.create();
    const bystander = Number((await other.exec(daemon(3600))).stdout.text);
    const before = Number((await sandbox.exec(daemon(3601))).stdout.text);
    const child = await sandbox.spawn(`${daemon(3602)}; exec sleep 3602`);
    const reader = child.stdout.getReader();
    const far = Number(Buffer.from((await reader.read()).value ?? []).toString());
    expect([bystander, before, far].every(isAlive)).toBe(true);
    await child.kill('SIGKILL');
    expect(await child.exit).toEqual({ signal: 'SIGKILL' });
    expect([bystander, before, far].map(isAlive)).toEqual([true, true, false]);
    await sandbox.destroy();
    expect([bystander, before].map(isAlive)).toEqual([true, false]);
  });

  test('says that it reaches process groups only where it cannot mark what it starts', async () => {
    const lowered = `prlimit --fsize=1000000000:1000000000 -- ${process.execPath}`;
    expect(await killTrait(['sh', '-c', `exec ${lowered} "$@"`, 'sh'])).toBe('group');
    expect(await killTrait(['env', `PATH=${scratch}`, process.execPath])).toBe('group');
    expect(await killTrait(['env', process.execPath])).toBe('tree');
  });

  test('ends by itself at the end of its lifetime', async () => {
    const sandbox = await provider.create({ maxLifetimeMs: 8_000 });
    const { stdout } = await sandbox.exec('sleep 1000 >/dev/null 2>&1 & echo $!');
    const far = Number((await sandbox.exec(daemon(3603))).stdout.text);
    await eventually(() => !isAlive(Number(stdout.text)), 'its process has ended');
    await eventually(() => !isAlive(far), 'and its daemon');
    await eventually(
      async () => (await provider.inspect(sandbox.ref)).state === 'gone',
      'it is gone',
    );
    await sandbox.destroy();
    // It sweeps, and another test's process may have left a sandbox.
    expect(await collectAll(provider.list())).toEqual([]);
    expect(readdirSync(path.join(stateDirectory, 'sandboxes'))).toEqual([]);
  });

  test('and sandboxes with isolation do not take each other for their own', async () => {
    await using sandbox = await provider.create();
    const isolated = local({ stateDirectory });
    expect(await collectAll(isolated.list())).toEqual([]);
    await expect(isolated.connect(sandbox.ref)).rejects.toMatchObject({
      code: 'failed-precondition',
    });
  });
});

describe('options', () => {
  test('that cannot be meant are refused', () => {
    const refused = { code: 'invalid-argument' };
    const wrong: readonly object[] = [
      { isolation: 'some' },
      { isolation: 'none', rootfs: '/' },
      { root: '/' },
    ];
    for (const options of wrong) {
      assert.throws(() => local(options), refused, JSON.stringify(options));
    }
    expect(localByDefault).toBe(local);
  });

  test('name a state directory, which others must not own', async () => {
    const foreign = local({ stateDirectory: path.join(scratch, 'file', 'state') });
    await using sandbox = await foreign.create();
    expect(parseRef(sandbox.ref)).toEqual(sandbox.ref);
    await assert.rejects(local({ stateDirectory: '/proc/self' }).create());
  });
});

/** A shell line that starts a daemon, twice forked and in a session of its own, and prints its process id. */
const daemon = (seconds: number): string =>
  `(setsid sh -c 'env -i sleep ${seconds} >/dev/null 2>&1 & echo $!' &) | head -1`;

/** What the provider says of `kill` in a process that is started in some way. */
const killTrait = async (launcher: readonly [string, ...string[]]): Promise<string> =>
  elsewhere(
    `process.stdout.write(local({ isolation: 'none', stateDirectory: '/nowhere' }).capabilities.traits.kill);`,
    launcher,
  );

/** Runs a module in a process of its own, with `local` in scope. */
function elsewhere(
  source: string,
  [program, ...args]: readonly [string, ...string[]] = [process.execPath],
): Promise<string> {
  const entry = JSON.stringify(path.resolve(import.meta.dirname, '../src/index.ts'));
  const module = `import { local } from ${entry};\n${source}`;
  return new Promise((resolve, reject) => {
    execFile(program, [...args, '--input-type=module', '-e', module], (error, stdout, stderr) =>
      error ? reject(new Error(`${error.message} ${stderr}`)) : resolve(stdout),
    );
  });
}
