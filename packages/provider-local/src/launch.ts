import { closeSync, writeFileSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import path from 'node:path';
import { SandboxError } from '@gantry/core/driver';
import {
  identifyProcess,
  isRunning,
  openFifo,
  type ProcessIdentity,
  type Spawner,
} from '@gantry/core/node';
import { isErrno, refusedToStart } from './errors.ts';
import type { SandboxPaths } from './state-directory.ts';

/** A sandbox that runs and waits to be let go. */
export interface Launched {
  readonly main: ProcessIdentity;
  readonly keeper: ProcessIdentity;
  /** The child of the keeper that ends it with the sandbox's lifetime. */
  readonly timer: ProcessIdentity;
  /** Gives the sandbox its time to live. Without it the sandbox ends together with this process. */
  go(lifetimeMs: number): void;
  /** Ends the sandbox that was not let go; resolves when it is gone. */
  abandon(): Promise<void>;
}

const readyWithinMs = 30_000;
const mostOutput = 64 * 1024;

/**
 * Has a spawner start a launcher (`launchText`) and waits for the agent's first words. On rejection
 * nothing is left.
 */
export async function launch(
  spawner: Spawner,
  paths: SandboxPaths,
  text: string,
  signal: AbortSignal,
): Promise<Launched> {
  const file = path.join(paths.directory, 'launch');
  writeFileSync(file, text, { mode: 0o600 });
  const report = new Report(openFifo(paths.report, 'read'));
  const go = openFifo(paths.go, 'read-write');
  const time = openFifo(paths.time, 'read-write');
  let held = true;
  const letGo = (): void => {
    if (held) for (const descriptor of [go, time]) closeSync(descriptor);
    held = false;
  };
  const abandon = async (): Promise<void> => {
    // The end of these ends what has been started, and what is going to be.
    letGo();
    const { main, keeper } = report;
    for (const identity of [main, keeper]) if (identity) kill(identity.pid);
    report.ref();
    await report.ended;
    report.close();
  };
  let lost: Promise<SandboxError> | undefined;
  try {
    ({ lost } = spawner.start(path.join('sandboxes', paths.id, 'launch')));
    const first = await Promise.race([report.ready, lost, stopped(signal)]);
    if (SandboxError.is(first)) throw first;
    const { main, keeper, timer, text: said } = report;
    if (!main || !keeper || !timer || !said.includes('gantry-agent 1 closed\n'))
      throw startFailure(said);
    // From here on its end ends the sandbox; a moment ago it might not have.
    if (!isRunning(keeper)) throw refusedToStart('its keeper was killed');
    // A sandbox that waits to be let go does not keep this process alive.
    report.unref();
    return {
      main,
      keeper,
      timer,
      go(lifetimeMs) {
        writeSync(time, `${Math.max(lifetimeMs / 1000, 0.001).toFixed(3)}\n`);
        writeSync(go, 'go\n');
        letGo();
        report.close();
      },
      abandon,
    };
  } catch (error) {
    letGo();
    // A launcher that was never started writes no report that could end.
    if (lost) void lost.then(() => report.close());
    await abandon();
    throw error;
  }
}

/** What a launcher says until the end of its sandbox. Bounded: a root file system may say anything. */
class Report {
  text = '';
  main: ProcessIdentity | undefined;
  keeper: ProcessIdentity | undefined;
  timer: ProcessIdentity | undefined;
  /** Resolves when the agent has said its first words, or nobody is left to say any. */
  readonly ready: Promise<void>;
  /** Resolves when every process of the sandbox and its launcher has ended. */
  readonly ended: Promise<void>;
  readonly #socket: Socket;

  constructor(descriptor: number) {
    this.#socket = new Socket({ fd: descriptor, readable: true, writable: false });
    const ready = Promise.withResolvers<void>();
    this.ready = ready.promise;
    this.ended = new Promise((resolve) => this.#socket.once('close', () => resolve()));
    this.#socket.setEncoding('latin1').on('data', (text: string) => {
      if (this.text.length < mostOutput) this.text += text;
      // The launcher and bubblewrap speak before anything of the root file system runs.
      this.keeper ??= this.#identity(/^keeper (\d{1,10})$/m);
      this.timer ??= this.#identity(/^timer (\d{1,10})$/m);
      this.main ??= this.#identity(/"child-pid": *(\d{1,10})\b/);
      if (/^gantry-agent 1 (open|closed)\n/m.test(this.text)) ready.resolve();
    });
    this.#socket.once('error', () => this.#socket.destroy());
    this.#socket.once('close', () => ready.resolve());
  }

  close(): void {
    this.#socket.destroy();
  }

  ref(): void {
    this.#socket.ref();
  }

  unref(): void {
    this.#socket.unref();
  }

  #identity(pattern: RegExp): ProcessIdentity | undefined {
    const pid = Number(pattern.exec(this.text)?.[1] ?? 0);
    return pid > 1 ? identifyProcess(pid) : undefined;
  }
}

function startFailure(said: string): SandboxError {
  if (said.includes('gantry-agent 1 open\n')) {
    return refusedToStart('the host’s core_pattern can be opened for writing inside it', {
      control: 'core_pattern',
    });
  }
  const message = said
    .split('\n')
    .filter((line) => !/^(keeper|timer) \d+$|^\{$|^\}$|"child-pid"/.test(line.trim()))
    .join('\n')
    .trim();
  if (/No space left on device/.test(message)) {
    return new SandboxError('resource-exhausted', `no sandbox was started: ${message}`, {
      outcome: 'not-started',
      details: { reason: 'no-space' },
    });
  }
  return refusedToStart(message || 'its launcher ended without a word');
}

function stopped(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const late = setTimeout(
      () => reject(refusedToStart(`it was not ready after ${readyWithinMs} ms`)),
      readyWithinMs,
    );
    late.unref();
    const stop = (): void => reject(abortError(signal));
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
  });
}

function abortError(signal: AbortSignal): Error {
  const reason: unknown = signal.reason;
  return reason instanceof Error ? reason : new Error(String(reason));
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (!isErrno(error, 'ESRCH')) throw error;
  }
}
