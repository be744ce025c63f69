import { setTimeout as delay } from 'node:timers/promises';
import {
  type Call,
  type Command,
  type DriverProcess,
  type ExitStatus,
  SandboxError,
} from '@gantry/core/driver';
import { noDirectory } from '@gantry/core/node';
import type Dockerode from 'dockerode';
import type { DockerHandle } from './docker-handle.ts';
import { dockerError, noShell } from './errors.ts';
import { exitOf } from './exec-exit.ts';
import { FrameReader } from './frame-reader.ts';
import { execUser } from './image-user.ts';
import { openExec } from './open-exec.ts';
import { OutputQueue } from './output-queue.ts';
import { socketInput } from './socket-input.ts';

/**
 * Starts a command by the daemon's API alone, for images that have no shell for a lane. The API has no way to kill it: that
 * is `unsupported`, and it ends with the sandbox at the latest.
 */
export async function spawnDirectly(
  handle: DockerHandle,
  { argv, cwd, env, user, stdin }: Command,
  call: Call,
): Promise<DriverProcess> {
  if (/^(?:\/(?:usr\/)?bin\/)?sh$/.test(argv[0])) throw noShell('running a shell');
  const options = {
    Cmd: [...argv],
    User: user === undefined ? handle.owner : execUser(user),
    Env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
    WorkingDir: cwd,
  };
  const { exec, socket } = await openExec(handle.container, options, call.signal);
  const flow = (): void => {
    if (outputs.some((output) => output.full)) socket.pause();
    else socket.resume();
  };
  const outputs = [new OutputQueue(flow), new OutputQueue(flow)] as const;
  const frames = new FrameReader((stream, bytes) => outputs[stream === 1 ? 0 : 1].push(bytes));
  const closed = new Promise<void>((resolve) => socket.once('close', resolve));
  const exit = closed.then(() => {
    outputs.forEach((output) => output.end());
    return exitOf(exec, () => undefined);
  });
  exit.catch(() => undefined); // Whoever holds the process looks at it.
  socket.once('error', () => socket.destroy()).once('end', () => socket.destroy());
  socket.on('data', (chunk: Buffer) => {
    frames.push(chunk);
    flow();
  });
  if (!(await hasStarted(exec))) {
    // Nothing ran that could have said this: the words are the daemon's.
    const words = await Array.fromAsync(outputs[0].stream);
    return notStarted(Buffer.concat(words).toString().trim());
  }
  if (stdin !== 'stream') socket.end(stdin === 'none' ? undefined : stdin);
  return {
    stdout: outputs[0].stream,
    stderr: outputs[1].stream,
    exit,
    ...(stdin === 'stream' ? { stdin: socketInput(socket) } : {}),
    kill: () => (socket.destroyed ? Promise.resolve() : Promise.reject(noKill())),
  };
}

/** Waits until the daemon says that the process runs, or ran; false where it could not be started. */
async function hasStarted(exec: Dockerode.Exec): Promise<boolean> {
  for (;;) {
    const { Pid, ExitCode } = await exec.inspect().catch((error: unknown) => {
      throw dockerError(error, 'starting a command');
    });
    if (Pid > 0) return true;
    if (ExitCode !== null) return false;
    await delay(5);
  }
}

/** What the daemon's words about a process that it could not start mean. A program that is not there has an exit code. */
function notStarted(words: string): DriverProcess {
  if (/: chdir to cwd \(/.test(words)) throw noDirectory();
  const code = /: exec: ".*no(?:t found| such file)/s.test(words)
    ? 127
    : /: exec: "|exec format error|permission denied/.test(words)
      ? 126
      : undefined;
  if (code === undefined) throw dockerError(new Error(words), 'starting a command');
  const [stdout, stderr] = [new OutputQueue(() => undefined), new OutputQueue(() => undefined)];
  stderr.push(Buffer.from(`${words}\n`));
  for (const output of [stdout, stderr]) output.end();
  const exit = Promise.resolve<ExitStatus>({ code });
  return { stdout: stdout.stream, stderr: stderr.stream, exit, kill: () => Promise.resolve() };
}

function noKill(): SandboxError {
  const message =
    'the Docker API cannot kill one command, and the image has no shell that could: destroy the sandbox to end it';
  return new SandboxError('unsupported', message, {
    details: { capability: 'kill', reason: 'no-shell' },
  });
}
