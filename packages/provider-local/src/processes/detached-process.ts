import { existsSync, type FSWatcher, watch } from 'node:fs';
import {
  type DriverProcess,
  type ExitStatus,
  SandboxError,
  type Signal,
} from '@gantry/core/driver';
import { hostProcess } from '@gantry/core/node';
import { isSignal } from '../kill/signal-command.ts';
import type { DetachedFiles } from './detached-files.ts';
import { firstOffset, type OutputSource, readOutput } from './output-reader.ts';

/** How often to look without being told to: notifications may be missed, and a recorder may be killed. */
const lookEveryMs = 250;

/** Where in the outputs to begin. */
export interface OutputOffsets {
  readonly stdoutOffset: number;
  readonly stderrOffset: number;
}

/** Signals every process of the command with that mark. */
export type SignalByMark = (mark: string, signal: NodeJS.Signals) => Promise<void>;

/**
 * A detached process as its recorder's files tell of it. `release` lets go of it; until then, or until it
 * has ended, it keeps this process from ending. An output errors with `data-loss` where its bytes are no longer kept.
 */
export function followDetached(
  id: string,
  files: DetachedFiles,
  from: OutputOffsets,
  signalCommand: SignalByMark,
  release: AbortSignal,
): DriverProcess & { readonly id: string } {
  const noted = files.process();
  if (!noted) throw new SandboxError('not-found', `there is no detached process ${id}`);
  const changes = new Changes(files.directory, release);
  const over = (): boolean => !hostProcess.isRunning(noted.recorder);
  const source: OutputSource = { files, over, change: () => changes.next() };
  const unread = (): void => changes.done();
  return {
    id,
    pid: noted.pid,
    stdout: readOutput(source, 'stdout', from.stdoutOffset, unread),
    stderr: readOutput(source, 'stderr', from.stderrOffset, unread),
    exit: exitOf(source, changes),
    async kill(signal: Signal = 'SIGKILL') {
      if (!isSignal(signal)) {
        throw new SandboxError('invalid-argument', `there is no signal ${signal}`);
      }
      if (files.end() === undefined) await signalCommand(noted.mark, signal);
    },
  };
}

/** Throws `out-of-range` for bytes of a process that are no longer kept. */
export function requireKept(files: DetachedFiles, from: OutputOffsets): void {
  if (files.process() === undefined) return;
  for (const output of ['stdout', 'stderr'] as const) {
    const first = firstOffset(files, output);
    if (from[`${output}Offset`] >= first) continue;
    throw new SandboxError(
      'out-of-range',
      `the first byte of ${output} that is still kept is at ${first}`,
      { details: { output, firstOffset: first } },
    );
  }
}

async function exitOf(
  { files, over, change }: OutputSource,
  changes: Changes,
): Promise<ExitStatus> {
  try {
    for (;;) {
      // In this order: what is recorded last is seen.
      const done = over();
      const end = files.end();
      if (end && 'exit' in end) return end.exit;
      if (end) throw broken(end.lost.message);
      if (!existsSync(files.directory)) throw broken('the sandbox was destroyed');
      if (done) return { unknown: 'the process that recorded it ended first' };
      await change();
    }
  } finally {
    changes.done();
  }
}

function broken(reason: string): SandboxError {
  return new SandboxError('unavailable', `the link to the sandbox broke: ${reason}`, {
    outcome: 'unknown',
    retryable: false,
  });
}

/** Tells when something in a directory may have changed. */
class Changes {
  readonly #release: AbortSignal;
  readonly #waiting = new Set<PromiseWithResolvers<void>>();
  readonly #timer: NodeJS.Timeout;
  #watcher: FSWatcher | undefined;
  /** The exit status and two outputs. */
  #users = 3;

  constructor(directory: string, release: AbortSignal) {
    this.#release = release;
    const wake = (): void => this.#wake();
    this.#timer = setInterval(wake, lookEveryMs).unref();
    try {
      this.#watcher = watch(directory, wake).on('error', wake);
      this.#watcher.unref();
    } catch {
      // No more watches for this user: the timer alone does it, later.
    }
    release.addEventListener('abort', () => this.#end(), { once: true });
    if (release.aborted) this.#end();
  }

  /** Resolves when it is time to look; rejects once it is released. */
  next(): Promise<void> {
    if (this.#release.aborted) return Promise.reject(released());
    const waiting = Promise.withResolvers<void>();
    this.#waiting.add(waiting);
    this.#timer.ref();
    return waiting.promise;
  }

  /** One of the users needs it no more. */
  done(): void {
    this.#users -= 1;
    if (this.#users === 0) this.#end();
  }

  #wake(): void {
    this.#timer.unref();
    for (const waiting of this.#waiting) waiting.resolve();
    this.#waiting.clear();
  }

  #end(): void {
    clearInterval(this.#timer);
    this.#watcher?.close();
    for (const waiting of this.#waiting) waiting.reject(released());
    this.#waiting.clear();
  }
}

function released(): SandboxError {
  return new SandboxError('failed-precondition', 'this link to the sandbox was released');
}
