import { spawn as spawnChild } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { execFile } from 'node:child_process';
import { tmpdir, userInfo } from 'node:os';
import path from 'node:path';
import { Readable, Writable } from 'node:stream';
import { promisify } from 'node:util';
import {
  SandboxError,
  type Command,
  type DriverProcess,
  type DriverTerminal,
  type ExitStatus,
  type Signal,
  type TerminalSize,
} from '@gantry/core/driver';
import { signalMarked } from './directory-store.ts';

const run = promisify(execFile);

/** Starts a process of the host; `env` holds the mark of its sandbox. */
export async function start(
  command: Command,
  env: Readonly<Record<string, string>>,
  guest: 'unprivileged' | 'caller' = 'unprivileged',
): Promise<DriverProcess> {
  await refuseMissing(command.cwd);
  const [program, ...args] = command.argv;
  const mark = randomUUID();
  // Through `env`, a missing program ends with 127 and one that cannot run with 126, as POSIX says.
  const child = spawnChild('/usr/bin/env', ['--', program, ...args], {
    cwd: command.cwd,
    env: { PATH: '/usr/local/bin:/usr/bin:/bin', ...env, ...command.env, GANTRY_PROCESS: mark },
    detached: true,
    stdio: 'pipe',
    ...identity(command.user, guest),
  });
  const exit = new Promise<ExitStatus>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) =>
      resolve(code === null ? { signal: signal as Signal } : { code }),
    );
  });
  exit.catch(() => undefined);
  child.stdin.on('error', () => undefined); // A process may end before it has read everything.
  if (command.stdin === 'none') child.stdin.end();
  else if (command.stdin !== 'stream') child.stdin.end(command.stdin);
  return {
    ...(child.pid === undefined ? {} : { pid: child.pid }),
    ...(command.stdin === 'stream'
      ? { stdin: Writable.toWeb(child.stdin) as WritableStream<Uint8Array> }
      : {}),
    stdout: Readable.toWeb(child.stdout),
    stderr: Readable.toWeb(child.stderr),
    exit,
    kill: (signal = 'SIGKILL') => signalMarked(`GANTRY_PROCESS=${mark}`, signal as NodeJS.Signals),
  };
}

/** A terminal, by util-linux's script(1). */
export async function openTerminal(
  command: Omit<Command, 'stdin'>,
  size: TerminalSize,
  env: Readonly<Record<string, string>>,
): Promise<DriverTerminal> {
  const quoted = command.argv.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
  const ttyFile = path.join(tmpdir(), `gantry-tty-${randomUUID()}`);
  const line = `tty > ${ttyFile}; stty cols ${size.columns} rows ${size.rows}; exec ${quoted}`;
  const argv = ['script', '-qfec', line, '/dev/null'] as const;
  const started = await start({ ...command, argv, stdin: 'stream' }, env);
  const ended = (): void => rmSync(ttyFile, { force: true });
  started.exit.then(ended, ended);
  if (!started.stdin) throw new Error('a process with streamed input has no input');
  return {
    input: started.stdin,
    output: started.stdout,
    exit: started.exit,
    kill: started.kill.bind(started),
    async resize({ columns, rows }) {
      const tty = (await readFile(ttyFile, 'utf8')).trim();
      await run('stty', ['-F', tty, 'cols', String(columns), 'rows', String(rows)]);
    },
  };
}

async function refuseMissing(cwd: string): Promise<void> {
  const directory = await stat(cwd).catch(() => undefined);
  if (directory?.isDirectory()) return;
  throw new SandboxError('failed-precondition', `${cwd} is no directory`, {
    details: { reason: 'cwd' },
  });
}

function identity(
  user: string | undefined,
  guest: 'unprivileged' | 'caller',
): { uid?: number; gid?: number } {
  // As root, the permissions of a directory would mean nothing to the guest.
  if (user === undefined)
    return guest === 'unprivileged' && userInfo().uid === 0 ? { uid: 65_534, gid: 65_534 } : {};
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((text) => text.startsWith(`${user}:`));
  const [, , uid, gid] = line?.split(':') ?? [];
  if (uid === undefined) throw new SandboxError('invalid-argument', `there is no user ${user}`);
  return { uid: Number(uid), gid: Number(gid) };
}
