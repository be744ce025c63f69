import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseRef, type Provider } from '@gantry/core';
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

const isAlive = (pid: number): boolean => existsSync(`/proc/${pid}/fd`);

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

  test('ends by itself at the end of its lifetime', async () => {
    const sandbox = await provider.create({ maxLifetimeMs: 1_000 });
    const { stdout } = await sandbox.exec('sleep 1000 >/dev/null 2>&1 & echo $!');
    await eventually(() => !isAlive(Number(stdout.text)), 'its process has ended');
    await eventually(
      async () => (await provider.inspect(sandbox.ref)).state === 'gone',
      'it is gone',
    );
    await sandbox.destroy();
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

/** Runs a module in a process of its own, with `local` in scope. */
function elsewhere(source: string): Promise<void> {
  const entry = JSON.stringify(path.resolve(import.meta.dirname, '../src/index.ts'));
  const module = `import { local } from ${entry};\n${source}`;
  return new Promise((resolve, reject) => {
    execFile(process.execPath, ['--input-type=module', '-e', module], (error, _out, stderr) =>
      error ? reject(new Error(`${error.message} ${stderr}`)) : resolve(),
    );
  });
}
