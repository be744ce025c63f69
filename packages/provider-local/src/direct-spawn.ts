import { type ChildProcess, spawn } from 'node:child_process';
import { statSync } from 'node:fs';
import { Socket } from 'node:net';
import {
  type Command,
  type DriverProcess,
  SandboxError,
  toSandboxError,
} from '@gantry/core/driver';
import { streams } from '@gantry/core/node';
import { type DirectProcesses, signalGroup } from './direct-processes.ts';
import { isErrno } from './errors.ts';
import { markOptions, newMarkOf } from './kill/marks.ts';
import { isSignal, signalMarked } from './kill/signal-command.ts';

/** What a command is started with beside its environment. */
export interface DirectOptions {
  /** The program that marks it (`findMarker`). */
  readonly marker: string | undefined;
  /** Aborted when nobody is to be told any more how the command ends. */
  readonly release: AbortSignal;
}

/** Starts a command as a process of the caller's own, in a session and process group of its own. */
export async function directSpawn(
  command: Command,
  env: NodeJS.ProcessEnv,
  processes: DirectProcesses,
  { marker, release }: DirectOptions,
): Promise<DriverProcess> {
  requireDirectory(command.cwd);
  const range = marker === undefined ? undefined : processes.marks();
  const mark = range && newMarkOf(range);
  const [program, ...args] =
    marker === undefined || mark === undefined
      ? command.argv
      : ([marker, ...markOptions(mark), ...command.argv] as const);
  const input = command.stdin === 'none' ? 'ignore' : 'pipe';
  const child = spawn(program, args, {
    ...{ cwd: command.cwd, env, detached: true },
    stdio: [input, 'pipe', 'pipe'],
  });
  const exit = exitOf(child, release);
  // The holder of the process looks at it.
  exit.catch(() => undefined);
  try {
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
  } catch (error) {
    return notStarted(program, command.stdin === 'stream', error);
  }
  const pid = child.pid ?? 0;
  const ended = noted(processes, pid);
  child.once('exit', ended);
  const stdin = child.stdin instanceof Socket ? streams.writableToSocket(child.stdin) : undefined;
  if (stdin && command.stdin instanceof Uint8Array) void feed(stdin, command.stdin);
  return {
    pid,
    exit,
    stdout: output(child.stdout),
    stderr: output(child.stderr),
    ...(stdin && command.stdin === 'stream' ? { stdin } : {}),
    async kill(signal = 'SIGKILL') {
      if (!isSignal(signal)) {
        throw new SandboxError('invalid-argument', `there is no signal ${signal}`);
      }
      // Afterwards the id may belong to a process of somebody else.
      if (child.exitCode !== null || child.signalCode !== null) return;
      if (mark === undefined) signalGroup(pid, signal);
      else await signalTree(pid, mark, signal);
    },
  };
}

/** Notes a process for whoever ends the sandbox. Where that has just been done, it ends too. */
function noted(processes: DirectProcesses, pid: number): () => void {
  try {
    return processes.add(pid);
  } catch (error) {
    signalGroup(pid, 'SIGKILL');
    if (!isErrno(error, 'ENOENT')) throw error;
    throw new SandboxError('unavailable', 'the sandbox was destroyed', { outcome: 'unknown' });
  }
}

/** The group too: what has just been started may not carry its mark yet. */
async function signalTree(pid: number, mark: bigint, signal: NodeJS.Signals): Promise<void> {
  if (signal === 'SIGKILL') signalGroup(pid, signal);
  await signalMarked({ first: mark, count: 1n }, signal, false);
}

function requireDirectory(directory: string): void {
  try {
    if (statSync(directory).isDirectory()) return;
  } catch (error) {
    if (!isErrno(error, 'ENOENT') && !isErrno(error, 'ENOTDIR')) throw error;
  }
  throw new SandboxError(
    'failed-precondition',
    `the working directory ${directory} does not exist`,
    { details: { reason: 'cwd' } },
  );
}

function exitOf(child: ChildProcess, release: AbortSignal): DriverProcess['exit'] {
  return new Promise((resolve, reject) => {
    const letGo = (): void => reject(released());
    release.addEventListener('abort', letGo, { once: true });
    child.once('close', () => release.removeEventListener('abort', letGo));
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      if (signal !== null) resolve({ signal });
      else if (code !== null) resolve({ code });
      else resolve({ unknown: 'the operating system told neither a code nor a signal' });
    });
  });
}

function released(): SandboxError {
  return new SandboxError('unavailable', 'the link to the sandbox was let go of', {
    outcome: 'unknown',
    retryable: false,
  });
}

/** What a shell does with a program that it cannot start. */
function notStarted(program: string, streamed: boolean, error: unknown): DriverProcess {
  const missing = isErrno(error, 'ENOENT') || isErrno(error, 'ENOTDIR');
  if (
    !missing &&
    !['EACCES', 'ENOEXEC', 'E2BIG', 'EISDIR', 'ELOOP'].some((name) => isErrno(error, name))
  ) {
    throw toSandboxError(error, { operation: 'spawn' });
  }
  const reason = missing ? 'not found' : `cannot be run: ${String(error)}`;
  const stream = (text: string): ReadableStream<Uint8Array> => new Blob([text]).stream();
  return {
    exit: Promise.resolve({ code: missing ? 127 : 126 }),
    stdout: stream(''),
    stderr: stream(`${program}: ${reason}\n`),
    ...(streamed ? { stdin: new WritableStream<Uint8Array>() } : {}),
    kill: () => Promise.resolve(),
  };
}

function output(stream: ChildProcess['stdout']): ReadableStream<Uint8Array> {
  if (stream instanceof Socket) return streams.readableFromSocket(stream);
  throw new SandboxError('internal', 'a child process came without its output');
}

async function feed(stdin: WritableStream<Uint8Array>, bytes: Uint8Array): Promise<void> {
  const writer = stdin.getWriter();
  try {
    if (bytes.length > 0) await writer.write(bytes);
    await writer.close();
  } catch {
    // It stopped reading: its exit status tells the rest.
  }
}
