import { randomBytes } from 'node:crypto';
import {
  SandboxError,
  type Call,
  type Command,
  type DriverTerminal,
  type Signal,
  type TerminalSize,
} from '@gantry/core/driver';
import { noDirectory } from '@gantry/core/node';
import { commandText } from './command-text.ts';
import type { DockerHandle } from './docker-handle.ts';
import { dockerError } from './errors.ts';
import { exitOf } from './exec-exit.ts';
import { execUser } from './image-user.ts';
import { KeyScanner } from './key-scanner.ts';
import { type ProcessRoots, parseLaneMessage } from './lane-message.ts';
import { underInit } from './lane-script.ts';
import { openExec } from './open-exec.ts';
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
  const options = {
    Cmd: underInit(terminalScript),
    User: command.user === undefined ? handle.owner : execUser(command.user),
    Env: ['TERM=xterm-256color'],
    Tty: true,
  };
  const { exec, socket } = await openExec(handle.container, options, call.signal);
  let over = false;
  const resize = async (size: TerminalSize): Promise<void> => {
    if (over) return;
    await exec.resize({ w: size.columns, h: size.rows }).catch((error: unknown) => {
      throw dockerError(error, 'sizing a terminal');
    });
  };
  const started = Promise.withResolvers<ProcessRoots>();
  started.promise.catch(() => undefined);
  const ended = Promise.withResolvers<void>();
  const output: OutputQueue = new OutputQueue(() => (output.full ? undefined : socket.resume()));
  let asked = false;
  let greeting = '';
  let open = false;
  const scanner = new KeyScanner(
    key,
    (bytes) => open && output.push(bytes),
    (line) => {
      open = true;
      const message = parseLaneMessage(line);
      // The shell turns into the command: there is no lane that a kill must spare.
      if (message.kind === 'started') started.resolve({ init: message.init, lane: 0, root: 0 });
      else started.reject(noDirectory());
    },
  );
  const begin = async (): Promise<void> => {
    try {
      // Before the command, which may ask for the size at once, or be over before it could be set.
      await resize({ columns, rows });
      const { argv, cwd, env } = command;
      socket.write(`${key}\n${commandText({ argv, cwd, env }, 'terminal')}\n`);
    } catch (error) {
      started.reject(error);
    }
  };
  socket.on('data', (chunk: Buffer) => {
    if (!asked) {
      greeting += chunk.toString('latin1');
      if (!greeting.includes('ready')) return;
      asked = true;
      void begin();
      return;
    }
    scanner.push(chunk);
    // Nothing is looked for any more: what is typed is echoed at once.
    if (open) scanner.flush();
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
  const abort = (): void => void socket.destroy();
  call.signal.addEventListener('abort', abort, { once: true });
  let roots: ProcessRoots;
  try {
    roots = await started.promise;
  } catch (error) {
    socket.destroy();
    call.signal.throwIfAborted();
    throw error;
  } finally {
    call.signal.removeEventListener('abort', abort);
  }
  let sent: Signal | undefined;
  const exit = ended.promise.then(() => exitOf(exec, () => sent));
  exit.catch(() => undefined);
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
