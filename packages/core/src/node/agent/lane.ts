import { closeSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Command } from '../../contract/command.ts';
import type { ExitStatus } from '../../contract/exit-status.ts';
import { SandboxError } from '../../errors/sandbox-error.ts';
import { readableFromSocket, writableToSocket } from '../streams.ts';
import { hasReader, hasWriter, isErrno, openFifo } from '../fifo.ts';
import { noDirectory } from './no-directory.ts';
import { LaneChannel } from './lane-channel.ts';

/** How long a lane may take to say that it is there, or that a command has started. */
const answerMs = 30_000;

/** A command that runs on a lane. */
export interface LaneProcess {
  readonly pid: number;
  readonly stdin?: WritableStream<Uint8Array>;
  readonly stdout: ReadableStream<Uint8Array>;
  readonly stderr: ReadableStream<Uint8Array>;
  readonly exit: Promise<ExitStatus>;
}

/** One command channel of an agent: runs one command at a time. */
export class Lane {
  readonly #channel: LaneChannel;

  /** Opens the host's ends of the lane `path`, whose FIFOs are there. */
  constructor(path: string) {
    this.#channel = new LaneChannel(path);
  }

  /** Whether the lane can run nothing any more. */
  get closed(): boolean {
    return this.#channel.closed;
  }

  /** Resolves when the lane says that it takes commands. Rejects with `resource-exhausted` where no process is left for it. */
  async ready(): Promise<void> {
    const status = await this.#channel.next('the start of a lane', answerMs);
    if (status.kind === 'full') {
      this.#channel.close();
      throw noProcessLeft();
    }
    if (status.kind !== 'ready') throw this.#channel.fail(`its lane said ${status.kind} at first`);
    this.#channel.idle();
  }

  /**
   * Runs a command given as text. Resolves once it has started. `settled` is called once nobody has
   * anything of the command open any more: the lane takes the next one, unless it is closed.
   */
  async run(text: string, stdin: Command['stdin'], settled: () => void): Promise<LaneProcess> {
    const channel = this.#channel;
    const open: number[] = [];
    try {
      open.push(openFifo(`${channel.path}.o`, 'read'), openFifo(`${channel.path}.e`, 'read'));
      // Held for both ways until the command has opened its end, so that its open does not wait.
      if (stdin !== 'none') open.push(openFifo(`${channel.path}.i`, 'read-write'));
      channel.run(text, stdin !== 'none');
    } catch (error) {
      // Nothing was said to the lane: it can take the next command, unless its files are gone.
      open.forEach((descriptor) => closeSync(descriptor));
      const gone = isErrno(error, 'ENOENT');
      if (gone) channel.fail('the sandbox was destroyed');
      settled();
      throw gone ? notStarted(error) : error;
    }
    const [out, err, holder] = open;
    const outputs = [out, err].map((fd) => new Socket({ fd, readable: true, writable: false }));
    const closed = outputs.map((socket) => new Promise((resolve) => socket.once('close', resolve)));
    const [stdout, stderr] = outputs.map(readableFromSocket);
    if (!stdout || !stderr) throw new SandboxError('internal', 'a command has two outputs');
    let pid: number;
    try {
      pid = await this.#started();
    } catch (error) {
      outputs.forEach((socket) => socket.destroy());
      if (holder !== undefined) closeSync(holder);
      channel.idle();
      settled();
      throw error;
    }
    const exit = this.#ended();
    // The holder of the process looks at it; until then a lost lane must not end the host process.
    exit.catch(() => undefined);
    const input = holder === undefined ? undefined : this.#input(holder);
    const release = async (): Promise<void> => {
      await Promise.allSettled([exit, ...closed, input?.done]);
      if (!this.#isClean(input !== undefined)) channel.close();
      settled();
    };
    void release();
    return {
      pid,
      stdout,
      stderr,
      exit,
      ...(input === undefined ? {} : { stdin: input.stream }),
    };
  }

  /** Resolves to the command's process id. */
  async #started(): Promise<number> {
    const status = await this.#channel
      .next('the start of a command', answerMs)
      .catch((error: unknown) => {
        // A command says that it starts before it does, and holds the lane's status until then.
        throw this.#channel.gone ? notStarted(error) : error;
      });
    if (status.kind === 'started') return status.pid;
    if (status.kind !== 'no-directory') {
      const failed = this.#channel.fail(`its lane said ${status.kind} at the start of a command`);
      // Whoever was to become the command was killed before it began to.
      throw status.kind === 'ended' ? notStarted(failed) : failed;
    }
    await this.#ended();
    throw noDirectory();
  }

  async #ended(): Promise<ExitStatus> {
    const status = await this.#channel.next('the end of a command');
    if (status.kind !== 'ended') {
      throw this.#channel.fail(`its lane said ${status.kind} while a command ran`);
    }
    this.#channel.idle();
    return status.exit;
  }

  /** The writing end of the command's input, whose reading end the command has open by now. */
  #input(holder: number): { stream: WritableStream<Uint8Array>; done: Promise<void> } {
    try {
      const fd = openFifo(`${this.#channel.path}.i`, 'write');
      // Only now can the host see a reader that is gone; with the holder it would read itself.
      closeSync(holder);
      const socket = new Socket({ fd, readable: false, writable: true });
      const done = new Promise<void>((resolve) => socket.once('close', () => resolve()));
      return { stream: writableToSocket(socket), done };
    } catch (error) {
      closeSync(holder);
      throw error;
    }
  }

  /** Whether nobody has an end of the command's streams open any more. */
  #isClean(input: boolean): boolean {
    const { closed, path } = this.#channel;
    if (closed) return false;
    try {
      return (
        !hasWriter(`${path}.o`) && !hasWriter(`${path}.e`) && !(input && hasReader(`${path}.i`))
      );
    } catch (error) {
      // The files are gone: the sandbox was destroyed meanwhile.
      if (isErrno(error, 'ENOENT')) return false;
      throw error;
    }
  }

  /** Ends the lane as soon as its command has ended. Idempotent. */
  close(): void {
    this.#channel.close();
  }
}

function noProcessLeft(): SandboxError {
  const message = 'the sandbox has no process left to start the command with';
  return new SandboxError('resource-exhausted', message, {
    outcome: 'not-started',
    details: { reason: 'pids' },
  });
}

function notStarted(cause: unknown): SandboxError {
  return new SandboxError(
    'unavailable',
    'the link to the sandbox broke before the command started',
    {
      cause,
      outcome: 'not-started',
    },
  );
}
