import { closeSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import { SandboxError } from '@gantry/core/driver';
import { hostProcess, type ProcessIdentity, streams } from '@gantry/core/node';
import { isErrno, refusedToStart } from './errors.ts';
import { LaunchReport } from './launch-report.ts';
import type { StateDirectory } from './state-directory.ts';

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

/**
 * This process's ends of a keeper's FIFOs (`keeperText`), to be opened before the keeper is started: it
 * ends as soon as they are closed, unless its sandbox was let go.
 */
export class Launcher {
  readonly #report: LaunchReport;
  readonly #go: number;
  readonly #time: number;
  #held = true;

  constructor(directory: string) {
    this.#report = new LaunchReport(streams.openFifo(path.join(directory, 'report'), 'read'));
    this.#go = streams.openFifo(path.join(directory, 'go'), 'read-write');
    this.#time = streams.openFifo(path.join(directory, 'time'), 'read-write');
    // A keeper that waits does not keep this process alive, and neither does a sandbox.
    this.#report.unref();
  }

  /** Whether the keeper has started and ended. */
  get over(): boolean {
    return this.#report.over;
  }

  /**
   * Has the keeper run a sandbox of the directory `id` by a text (`launchText`), and waits for the agent's
   * first words. On rejection nothing is left.
   */
  async launch(
    state: StateDirectory,
    id: string,
    text: string,
    signal: AbortSignal,
  ): Promise<Launched> {
    const report = this.#report;
    try {
      const file = path.join(state.sandbox(id).directory, 'launch');
      writeFileSync(file, text, { mode: 0o600 });
      report.ref();
      writeSync(this.#go, `launch sandboxes/${id}/launch\n`);
      await Promise.race([report.ready, stopped(signal)]);
      const { main, keeper, timer, text: said } = report;
      if (!main || !keeper || !timer || !said.includes('gantry-agent 1 closed\n'))
        throw startFailure(said);
      // From here on its end ends the sandbox; a moment ago it might not have.
      if (!hostProcess.isRunning(keeper)) throw refusedToStart('its keeper was killed');
      report.unref();
      rmSync(file);
      return {
        main,
        keeper,
        timer,
        go: (lifetimeMs) => {
          writeSync(this.#time, `${Math.max(lifetimeMs / 1000, 0.001).toFixed(3)}\n`);
          writeSync(this.#go, 'go\n');
          this.#letGo();
          report.close();
        },
        abandon: () => this.abandon(),
      };
    } catch (error) {
      await this.abandon();
      throw error;
    }
  }

  /** Ends the keeper with whatever it has started; resolves when that is gone. */
  async abandon(): Promise<void> {
    // The end of these ends what has been started, and what is going to be. The keeper is not killed: a
    // bubblewrap that ends with it too early leaves a child that waits for it for ever.
    this.#letGo();
    const { main } = this.#report;
    if (main) kill(main.pid);
    this.#report.ref();
    await this.#report.ended;
    this.#report.close();
  }

  #letGo(): void {
    if (this.#held) for (const descriptor of [this.#go, this.#time]) closeSync(descriptor);
    this.#held = false;
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
