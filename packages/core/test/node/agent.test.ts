import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Command } from '../../src/contract/command.ts';
import { AgentClient, agentScript, lanes } from '../../src/node.ts';
import { makeFifos } from '../../src/node/fifo.ts';

const call = { signal: new AbortController().signal };
const shells: readonly (readonly [name: string, command: readonly string[]])[] = [
  ['dash', ['dash']],
  ['busybox ash', ['busybox', 'ash']],
  ['bash', ['bash', '--posix']],
];

describe.each(shells)('the agent in %s', (_name, command) => {
  let directory: string;
  let agent: ChildProcess;
  let client: AgentClient;

  beforeEach(async () => {
    directory = mkdtempSync(path.join(os.tmpdir(), 'gantry-agent-'));
    writeFileSync(path.join(directory, 'agent'), agentScript);
    const prepared = lanes.names(2);
    await makeFifos(
      ['ctl', ...lanes.files(prepared)].map((file) => path.join(directory, file)),
      0o600,
    );
    const namespaces = [
      '--user',
      '--map-root-user',
      '--pid',
      '--fork',
      '--mount-proc',
      '--kill-child',
    ];
    agent = spawn(
      'unshare',
      [...namespaces, ...command, path.join(directory, 'agent'), directory],
      {
        stdio: ['pipe', 'pipe', 'inherit'],
        env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
      },
    );
    const first = await new Promise<string>((resolve, reject) => {
      agent.once('error', reject);
      agent.stdout?.once('data', (bytes: Buffer) => resolve(bytes.toString()));
      agent.once('close', () => resolve('it ended'));
    });
    // A mapped root still has the host's core_pattern open; the agent tells.
    assert.match(first, /^gantry-agent 1 (open|closed)\n$/);
    agent.stdin?.end('go\n');
    client = new AgentClient({ controlDirectory: directory, fifoMode: 0o600, prepared });
  });

  afterEach(async () => {
    client.close();
    const left = readdirSync(directory).toSorted();
    const closed = new Promise((resolve) => agent.once('close', resolve));
    agent.kill('SIGKILL');
    await closed;
    rmSync(directory, { recursive: true });
    assert.deepEqual(left, ['agent', 'ctl']);
  });

  const run = async (
    argv: Command['argv'],
    more: Partial<Command> = {},
  ): Promise<{ stdout: string; stderr: string; exit: unknown }> => {
    const started = await client.spawn({ argv, cwd: '/', env: {}, stdin: 'none', ...more }, call);
    const [stdout, stderr, exit] = await Promise.all([
      new Response(started.stdout).text(),
      new Response(started.stderr).text(),
      started.exit,
    ]);
    return { stdout, stderr, exit };
  };
  const line = async (text: string): Promise<string> => (await run(['sh', '-c', text])).stdout;

  test('keeps arguments, environment, streams and exit as they are', async () => {
    const bytes = Array.from({ length: 0x24f }, (_, code) => String.fromCodePoint(code + 1)).join(
      '',
    );
    const echoed = await run(['printf', '%s|', '-n', bytes, "it's", '']);
    expect(echoed).toEqual({ stdout: `-n|${bytes}|it's||`, stderr: '', exit: { code: 0 } });
    const env = { A: bytes, OPTIND: 'x', UID: '7', RANDOM: 'r', PWD: '/elsewhere', LC_ALL: 'C' };
    const { stdout } = await run(['env', '-0'], { env });
    const found = stdout
      .split('\0')
      .filter((entry) => /^(A|OPTIND|UID|RANDOM|PWD|LC_ALL)=/.test(entry));
    expect(found.toSorted()).toEqual(
      Object.entries(env)
        .map((pair) => pair.join('='))
        .toSorted(),
    );
    const failing = await run(['sh', '-c', 'echo out; echo err >&2; exit 3']);
    expect(failing).toEqual({ stdout: 'out\n', stderr: 'err\n', exit: { code: 3 } });
    expect((await run(['cat'], { stdin: Buffer.from('input') })).stdout).toBe('input');
  });

  test('says how a command ended as well as the shell knows', async () => {
    for (const [signal, expected] of [
      ['KILL', { signal: 'SIGKILL' }],
      ['TERM', { signal: 'SIGTERM' }],
      ['USR1', { signal: 'SIGUSR1' }],
      ['INT', { code: 130 }],
      ['PIPE', { code: 141 }],
    ] as const) {
      expect((await run(['sh', '-c', `kill -${signal} $$`])).exit, signal).toEqual(expected);
    }
    expect((await run(['sh', '-c', 'exit 137'])).exit).toEqual({ code: 137 });
    expect((await run(['no-such-program'])).exit).toEqual({ code: 127 });
    expect((await run(['/etc'])).exit).toEqual({ code: 126 });
    await assert.rejects(run(['true'], { cwd: '/nowhere' }), { code: 'failed-precondition' });
  });

  test('gives commands default signals and a session of their own, and reaps orphans', async () => {
    expect((await run(['/bin/grep', '-E', '^Sig(Ign|Blk)', '/proc/self/status'])).stdout).toMatch(
      /^SigBlk:\t0{16}\nSigIgn:\t0{16}\n$/,
    );
    await line('for i in 1 2 3 4; do (sleep 0.05 &); done');
    await expect
      .poll(() => line('cat /proc/[0-9]*/stat'), { timeout: 30_000 })
      .not.toMatch(/\) Z |\(sleep\)/);
    const started = await client.spawn(
      { argv: ['sleep', '100'], cwd: '/', env: {}, stdin: 'none' },
      call,
    );
    await started.kill('SIGINT');
    expect(await started.exit).toEqual({ code: 130 });
  });

  test('goes on when a command has killed every lane', async () => {
    await Promise.all(Array.from({ length: 6 }, () => line('sleep 0.05')));
    await assert.rejects(run(['sh', '-c', 'kill -9 -1; sleep 1']), {
      code: 'unavailable',
      outcome: 'unknown',
    });
    expect(await line('echo still here')).toBe('still here\n');
  });

  test('runs 200 commands with 16 in flight, none of which gets the words of another', async () => {
    let next = 0;
    const worker = async (): Promise<void> => {
      for (let n = next++; n < 200; n = next++) {
        const result = await run(['sh', '-c', `echo o${n}; echo e${n} >&2; exit ${n % 120}`]);
        expect(result).toEqual({ stdout: `o${n}\n`, stderr: `e${n}\n`, exit: { code: n % 120 } });
      }
    };
    await Promise.all(Array.from({ length: 16 }, worker));
  });

  test('takes no more than 64 commands at once; the next ones wait, and may be aborted', async () => {
    const abort = new AbortController();
    const command: Command = { argv: ['sleep', '100'], cwd: '/', env: {}, stdin: 'none' };
    const running = await Promise.all(
      Array.from({ length: 64 }, () => client.spawn(command, call)),
    );
    const waiting = client.spawn(command, { signal: abort.signal });
    const later = line('echo later');
    abort.abort(new Error('enough'));
    await assert.rejects(waiting, /enough/);
    await Promise.all(
      running.map(async (one) => {
        await one.kill();
        expect(await one.exit).toEqual({ signal: 'SIGKILL' });
        await Promise.all([one.stdout.cancel(), one.stderr.cancel()]);
      }),
    );
    expect(await later).toBe('later\n');
  });

  test('leaves no command behind that was aborted while it started', async () => {
    for (let attempt = 0; attempt < 20; attempt += 1) {
      const abort = new AbortController();
      const command: Command = { argv: ['sleep', '77'], cwd: '/', env: {}, stdin: 'none' };
      const starting = client.spawn(command, { signal: abort.signal });
      await new Promise((resolve) => setTimeout(resolve, attempt / 5));
      abort.abort(new Error('enough'));
      await starting.then(
        (started) => started.kill(),
        (error: Error) => expect(error.message).toBe('enough'),
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(await line('cat /proc/[0-9]*/comm')).not.toContain('sleep');
  });

  test('frees the lanes of a client that is gone without a word', async () => {
    const other = new AgentClient({ controlDirectory: directory, fifoMode: 0o600 });
    // As if that client had been another process, which has ended: no process has id 2^22 or more.
    const [own] = lanes.names(1);
    const dead = `4194305-1-${own?.split('-')[2]}-0`;
    execFileSync(
      'mkfifo',
      lanes.files([dead]).map((file) => path.join(directory, file)),
    );
    other.removeAbandoned();
    expect(readdirSync(directory).filter((file) => file.startsWith('4194305'))).toEqual([]);
    other.close();
    expect(readFileSync(path.join(directory, 'agent'), 'utf8')).toBe(agentScript);
  });
});
