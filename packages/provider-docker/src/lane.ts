import { randomBytes } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { type Command, SandboxError, type ExitStatus, type Signal } from '@gantry/core/driver';
import { noDirectory } from '@gantry/core/node';
import { FrameReader } from './frame-reader.ts';
import { KeyScanner } from './key-scanner.ts';
import { type LaneMessage, type ProcessRoots, parseLaneMessage } from './lane-message.ts';
import { OutputQueue } from './output-queue.ts';
import { socketInput } from './socket-input.ts';

/** A command that runs on a lane. */
export interface LaneProcess {
  readonly pid: number;
  readonly roots: ProcessRoots;
  readonly stdin?: WritableStream<Uint8Array>;
  readonly stdout: ReadableStream<Uint8Array>;
  readonly stderr: ReadableStream<Uint8Array>;
  readonly exit: Promise<ExitStatus>;
  /** Whether the kernel has killed for memory in the sandbox while the command ran; known once it has ended. */
  readonly hasOomKills: () => boolean;
  /** Reads on although nobody takes the output: what was killed has little left to say. */
  readonly drain: () => void;
  /**
   * Keeps the lane for this command, and tells whether it still is. To be called before a kill: that looks for processes
   * below the lane, and must not find those of the next command.
   */
  readonly retire: () => boolean;
}

/** Longest wait before a lane looks again whether the outputs of an ended command are still held. */
const longestPauseMs = 1_000;

/** What is under way on a lane. */
interface Running {
  key: string;
  readonly outputs: readonly [OutputQueue, OutputQueue];
  scanners: readonly [KeyScanner, KeyScanner];
  readonly started: PromiseWithResolvers<{ pid: number; roots: ProcessRoots }>;
  readonly exit: PromiseWithResolvers<ExitStatus>;
  readonly input: boolean;
  /** `looking`: it has ended, and the lane looks again whether anybody holds its outputs. */
  phase: 'starting' | 'running' | 'looking' | 'ended';
  isClean: boolean;
  isSilent: boolean;
  hasOomKills: boolean;
  isRetired: boolean;
  errorsEnded: boolean;
  draining: boolean;
  pauseMs: number;
  complaint: string;
}

/**
 * One long-lived exec of a container that runs one command at a time. `settled` is called whenever it is free
 * for the next command, or closed for good: it is reused only when no process of the last command is left.
 */
export class Lane {
  readonly #socket: Duplex & { ref?(): void; unref?(): void };
  readonly #settled: (lane: Lane) => void;
  readonly #frames: FrameReader;
  #running: Running | undefined;
  #closed = false;

  constructor(socket: Duplex, settled: (lane: Lane) => void) {
    this.#socket = socket;
    this.#settled = settled;
    // Only a command on it keeps this process from ending.
    this.#socket.unref?.();
    this.#frames = new FrameReader((...frame) => this.#receive(...frame));
    socket.on('data', (chunk: Buffer) => this.#frames.push(chunk));
    socket.once('error', (error) => this.#lost(error));
    socket.once('close', () => this.#lost());
    socket.once('end', () => this.#lost());
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Runs the text of a command. Resolves once it has started. */
  async run(text: string, input: Command['stdin']): Promise<LaneProcess> {
    const running = this.#begin(input === 'stream');
    const kind = input === 'none' ? 0 : input === 'stream' ? 1 : `n ${input.length}`;
    this.#socket.write(`${running.key}\n${kind}\n${text}\n`);
    if (typeof input === 'object' && input.length > 0) this.#socket.write(input);
    const { pid, roots } = await running.started.promise;
    const [stdout, stderr] = running.outputs;
    return {
      pid,
      roots,
      ...(running.input ? { stdin: socketInput(this.#socket) } : {}),
      stdout: stdout.stream,
      stderr: stderr.stream,
      exit: running.exit.promise,
      hasOomKills: () => running.hasOomKills,
      drain: () => {
        running.draining = true;
        this.#flow();
      },
      retire: () => {
        running.isRetired = true;
        return this.#running === running;
      },
    };
  }

  /** Sends a signal to every process of a command of another lane. Starts no process. */
  async signal(roots: ProcessRoots, signal: Signal): Promise<void> {
    const running = this.#begin(false);
    running.phase = 'running';
    running.started.resolve({ pid: 0, roots });
    const { init, lane, root } = roots;
    this.#socket.write(`${running.key}\nkill\n${init} ${lane} ${root} ${signal.slice(3)}\n`);
    await running.exit.promise;
  }

  /** Lets go of the lane: it ends when its command has ended, which nobody then hears of. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.destroy();
  }

  #begin(input: boolean): Running {
    const flow = (): void => this.#flow();
    const outputs = [new OutputQueue(flow), new OutputQueue(flow)] as const;
    const started = Promise.withResolvers<{ pid: number; roots: ProcessRoots }>();
    const exit = Promise.withResolvers<ExitStatus>();
    // Whoever holds the process looks at them; until then a lost lane must not end this one.
    started.promise.catch(() => undefined);
    exit.promise.catch(() => undefined);
    this.#socket.ref?.();
    const state = {
      phase: 'starting',
      isClean: false,
      isSilent: false,
      hasOomKills: false,
      isRetired: false,
      errorsEnded: false,
      draining: false,
      pauseMs: 5,
    } as const;
    const request = this.#newRequest();
    this.#running = { ...request, outputs, started, exit, input, complaint: '', ...state };
    return this.#running;
  }

  /** A key that nobody knows yet, and what finds it in both streams. */
  #newRequest(): Pick<Running, 'key' | 'scanners'> {
    const key = randomBytes(16).toString('hex');
    const out = (line: string): void => this.#heard(line);
    const err = (): void => this.#errorsEnded();
    return {
      key,
      scanners: [
        new KeyScanner(key, (bytes) => this.#push(0, bytes), out),
        new KeyScanner(key, (bytes) => this.#push(1, bytes), err),
      ],
    };
  }

  #receive(stream: 1 | 2, bytes: Buffer, whole: number | undefined): void {
    // Only what a stray process of the guest writes arrives while nothing runs.
    if (!this.#running) return this.close();
    const scanner = this.#running.scanners[stream === 1 ? 0 : 1];
    scanner.push(bytes);
    if (whole !== undefined) scanner.frameEnded(whole);
    this.#flow();
  }

  #push(output: 0 | 1, bytes: Uint8Array): void {
    const running = this.#running;
    // What comes before the command has started is a complaint, of the shell or of the daemon.
    if (running?.phase === 'starting' && running.complaint.length < 1_000) {
      running.complaint += Buffer.from(bytes).toString();
    }
    running?.outputs[output].push(bytes);
  }

  #heard(line: string): void {
    const running = this.#running;
    if (!running) return;
    const message = parseLaneMessage(line);
    if (message.kind === 'started' && running.phase === 'starting') {
      running.phase = 'running';
      const { pid, init, lane, root } = message;
      running.started.resolve({ pid, roots: { init, lane, root } });
    } else if (message.kind === 'no-directory' && running.phase === 'starting') {
      running.started.reject(noDirectory());
    } else if (message.kind === 'ended' && running.phase !== 'ended') {
      this.#ended(running, message);
    } else {
      this.#lost(new Error(`a lane said ${JSON.stringify(line)} at the wrong time`));
      this.close();
    }
  }

  #ended(running: Running, message: Extract<LaneMessage, { kind: 'ended' }>): void {
    if (running.phase === 'starting') running.started.reject(notStarted(running.complaint));
    running.phase = 'ended';
    running.isClean = message.isClean;
    running.isSilent = message.isSilent;
    running.hasOomKills ||= message.hasOomKills;
    running.exit.resolve(message.exit);
    this.#settle();
  }

  #errorsEnded(): void {
    if (this.#running) this.#running.errorsEnded = true;
    this.#settle();
  }

  /** Both ends are in: the streams end now if nobody else can write to them, else with the connection. */
  #settle(): void {
    const running = this.#running;
    if (!running || running.phase !== 'ended' || !running.errorsEnded) return;
    if (!running.isSilent) {
      this.#flow();
      if (!running.input) this.#lookLater(running);
      return;
    }
    this.#running = undefined;
    running.outputs.forEach((output) => output.end());
    // Its input is used up, or processes of the command live on that a later kill must not reach, or a kill is under way.
    if (running.input || !running.isClean || running.isRetired) this.close();
    this.#socket.unref?.();
    this.#settled(this);
  }

  /** Asks again in a while, with what the command left behind still writing. */
  #lookLater(running: Running): void {
    running.pauseMs = Math.min(running.pauseMs * 2, longestPauseMs);
    setTimeout(() => {
      if (this.#closed || this.#running !== running || running.phase !== 'ended') return;
      running.scanners.forEach((scanner) => scanner.flush());
      Object.assign(running, this.#newRequest(), { phase: 'looking', errorsEnded: false });
      this.#socket.write(`${running.key}\nlook\n\n`);
    }, running.pauseMs);
  }

  /** Pauses the connection while an output is full; lets go of it once nobody reads what is left to come. */
  #flow(): void {
    const running = this.#running;
    if (!running || this.#closed) return;
    const { outputs, draining, phase } = running;
    const over = outputs.every((output) => output.over);
    if (phase === 'looking' ? over : phase === 'ended' && running.errorsEnded && over) {
      this.close();
      return;
    }
    if (!draining && outputs.some((output) => output.full)) this.#socket.pause();
    else this.#socket.resume();
  }

  #lost(error?: Error): void {
    const running = this.#running;
    this.#running = undefined;
    this.#closed = true;
    if (running) this.#abandon(running, error);
    this.#socket.destroy();
    this.#settled(this);
  }

  #abandon(running: Running, error: Error | undefined): void {
    running.scanners.forEach((scanner) => scanner.flush());
    if (running.phase === 'ended' || running.phase === 'looking')
      return running.outputs.forEach((output) => output.end());
    const why = running.complaint.trim() || error?.message || 'the connection was closed';
    if (running.phase === 'starting') running.started.reject(notStarted(why, error));
    const broken = new SandboxError('unavailable', `the link to the sandbox broke: ${why}`, {
      cause: error,
      outcome: 'unknown',
      retryable: false,
    });
    running.exit.reject(broken);
    running.outputs.forEach((output) => output.fail(broken));
  }
}

function notStarted(why: string, cause?: Error): SandboxError {
  if (/fork|resource temporarily unavailable/i.test(why)) {
    const message = `the sandbox has no process left to start the command with: ${why}`;
    return new SandboxError('resource-exhausted', message, { cause, details: { reason: 'pids' } });
  }
  if (/unable to find (?:user|group)/i.test(why)) {
    return new SandboxError('invalid-argument', `the image has no such user: ${why.trim()}`, {
      ...{ cause, details: { reason: 'user' } },
    });
  }
  return new SandboxError('unavailable', `the sandbox did not start the command: ${why}`, {
    cause,
    outcome: 'unknown',
  });
}
