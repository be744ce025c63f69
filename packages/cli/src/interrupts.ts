import { GANTRY_FAILED, OUTPUT_CLOSED, signalExitCode } from './exit-codes.ts';
import { isClosed } from './output/is-closed.ts';
import type { Signal } from '@gantry/core';

const WATCHED = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Takes one signal that was sent to gantry. */
export type SignalHandler = (signal: Signal) => void;

/**
 * Turns signals to gantry, and a reader that went away, into one `AbortSignal`. While a command runs
 * it can take the signals over. Once aborted, the second signal warns and the third exits at once.
 */
export class Interrupts {
  readonly #controller = new AbortController();
  #handler: SignalHandler | undefined;
  #exitCode: number | undefined;
  #afterAbort = 0;
  #outputFailed = false;

  /** Starts to listen. Without it every signal ends the process at once. */
  listen(): void {
    for (const name of WATCHED) process.on(name, () => this.#receive(name));
  }

  /** Aborted once gantry is to stop what it does and clean up. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The exit code that says why gantry was stopped. Absent while it was not. */
  get exitCode(): number | undefined {
    return this.#exitCode;
  }

  /** Gives signals to `handler` until the returned object is disposed. */
  handOver(handler: SignalHandler): Disposable {
    this.#handler = handler;
    return {
      [Symbol.dispose]: () => {
        if (this.#handler === handler) this.#handler = undefined;
      },
    };
  }

  /** Stops what is being done, as `signal` would. */
  abort(signal: Signal): void {
    this.#abortWith(signalExitCode(signal) ?? OUTPUT_CLOSED, `gantry was stopped by ${signal}`);
  }

  /** Stops what is being done because gantry's own output cannot be written: quietly when nobody reads it. */
  outputFailed(error: Error): void {
    if (this.#outputFailed) return;
    this.#outputFailed = true;
    if (isClosed(error))
      return this.#abortWith(OUTPUT_CLOSED, 'the reader of the output went away');
    process.stderr.write(`gantry: cannot write the output: ${error.message}\n`);
    this.#abortWith(GANTRY_FAILED, error.message);
  }

  /** True when there is nobody left to tell what became of it, or that was told. */
  get outputLost(): boolean {
    return this.#outputFailed;
  }

  #receive(signal: Signal): void {
    if (this.signal.aborted) this.#insist();
    else if (this.#handler === undefined) this.abort(signal);
    else this.#handler(signal);
  }

  #abortWith(exitCode: number, reason: string): void {
    this.#exitCode ??= exitCode;
    this.#controller.abort(new Error(reason));
  }

  #insist(): void {
    this.#afterAbort += 1;
    if (this.#afterAbort > 1) process.exit(this.#exitCode);
    process.stderr.write(
      'gantry: still cleaning up; once more quits at once and may leave a sandbox behind\n',
    );
  }
}
