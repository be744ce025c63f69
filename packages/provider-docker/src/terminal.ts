import { randomBytes } from 'node:crypto';
import type { Duplex } from 'node:stream';
import {
  SandboxError,
  type Call,
  type Command,
  type DriverTerminal,
  type ExitStatus,
  type Signal,
  type TerminalSize,
} from '@gantry/core/driver';
import { noDirectory, signalName } from '@gantry/core/node';
import type Dockerode from 'dockerode';
import { commandText } from './command-text.ts';
import type { DockerHandle } from './docker-handle.ts';
import { dockerError } from './errors.ts';
import { execUser } from './image-user.ts';
import { KeyScanner } from './key-scanner.ts';
import { parseLaneMessage } from './lane-message.ts';
import { underInit } from './lane-script.ts';
import type { ProcessRoots } from './lane.ts';
import { OutputQueue } from './output-queue.ts';
import { socketInput } from './socket-input.ts';

/** Reads the key and the command from the terminal, with echo off, and turns into the command. */
const terminalScript = `
unset g_r g_k g_c OLDPWD
g_nl='
'
stty -echo -icanon 2>/dev/null
printf %s ready
IFS= read -r g_k; IFS= read -r g_c
stty echo icanon 2>/dev/null
eval "$g_c"
`;

/** Opens a pseudo-terminal in the container. Its environment travels through the daemon's API. */
export async function openTerminal(
  handle: DockerHandle,
  command: Omit<Command, 'stdin'>,
  { columns, rows }: TerminalSize,
  call: Call,
): Promise<DriverTerminal> {
  const key = randomBytes(16).toString('hex');
  let exec: Dockerode.Exec;
  let socket: Duplex & { ref?(): void };
  try {
    exec = await handle.container.exec({
      Cmd: underInit(terminalScript),
      User: command.user === undefined ? handle.owner : execUser(command.user),
      Env: ['TERM=xterm-256color'],
      AttachStdin: true,
      AttachStdout: true,
      AttachStderr: true,
      Tty: true,
      abortSignal: call.signal,
    });
    socket = await exec.start({ hijack: true, stdin: true, Tty: true, abortSignal: call.signal });
  } catch (error) {
    call.signal.throwIfAborted();
    throw dockerError(error, 'opening a terminal');
  }
  const resize = async (size: TerminalSize): Promise<void> => {
    await exec.resize({ w: size.columns, h: size.rows });
  };
  const started = Promise.withResolvers<ProcessRoots>();
  started.promise.catch(() => undefined);
  const ended = Promise.withResolvers<void>();
  const output: OutputQueue = new OutputQueue(() => (output.full ? undefined : socket.resume()));
  let asked = false;
  let open = false;
  const scanner = new KeyScanner(
    key,
    (bytes) => open && output.push(bytes),
    (line) => {
      open = true;
      const message = parseLaneMessage(line);
      // The shell turns into the command: there is no lane that a kill must spare.
      if (message.kind === 'started') started.resolve({ init: message.init, lane: 0 });
      else started.reject(noDirectory());
    },
  );
  socket.on('data', (chunk: Buffer) => {
    if (!asked && chunk.includes('ready')) {
      asked = true;
      const { argv, cwd, env } = command;
      socket.write(`${key}\n${commandText({ argv, cwd, env }, 'terminal')}\n`);
      return;
    }
    scanner.push(chunk);
    if (output.full) socket.pause();
  });
  const close = (): void => {
    scanner.flush();
    output.end();
    ended.resolve();
    started.reject(
      new SandboxError('unavailable', 'the terminal ended before its command started'),
    );
  };
  socket.once('end', close).once('close', close).once('error', close);
  call.signal.addEventListener('abort', () => socket.destroy(), { once: true });
  await resize({ columns, rows }).catch((error: unknown) => {
    throw dockerError(error, 'sizing a terminal');
  });
  const roots = await started.promise;
  let sent: Signal | undefined;
  const exit = ended.promise.then(() => exitOf(exec, () => sent));
  exit.catch(() => undefined);
  let over = false;
  void ended.promise.then(() => (over = true));
  return {
    input: socketInput(socket),
    output: output.stream,
    exit,
    resize,
    async kill(signal = 'SIGKILL') {
      if (over) return;
      sent = signal;
      await handle.lanes.signal(roots, signal, command.user);
      if (signal === 'SIGKILL') socket.resume();
    },
  };
}

/** The daemon tells a death by signal n as 128 + n: only a signal that was sent from here is known to be one. */
async function exitOf(exec: Dockerode.Exec, sent: () => Signal | undefined): Promise<ExitStatus> {
  const { ExitCode: code } = await exec.inspect().catch((error: unknown) => {
    throw dockerError(error, 'asking how a terminal ended');
  });
  if (code === null) return { unknown: 'the connection to the terminal was lost while it ran' };
  const signal = sent();
  if (signal !== undefined && signalName(code - 128) === signal) return { signal };
  const perhaps = signalName(code - 128);
  if (perhaps === undefined) return { code };
  return {
    unknown: `it ended with code ${code}, or was killed by ${perhaps}; the daemon does not tell which`,
  };
}
