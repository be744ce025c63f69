import type { ExitStatus, Signal } from './exit-status.ts';

/** One process to start, as a driver sees it: everything resolved, nothing for a shell to expand. */
export interface Command {
  /** Program and arguments. None contains NUL. A program without `/` is looked up in `PATH`. */
  readonly argv: readonly [string, ...string[]];
  /** Absolute path in the sandbox. A driver rejects with `failed-precondition` when it is missing. */
  readonly cwd: string;
  /** Added to the sandbox's own environment; wins over it. */
  readonly env: Readonly<Record<string, string>>;
  /** Present only when the driver declares `users`. */
  readonly user?: string;
  /**
   * `none`: end of input at once. `stream`: `DriverProcess.stdin` takes it; only given to drivers
   * with trait `stdin: 'stream'`. Bytes: all of it at the start; only with trait `stdin: 'upfront'`,
   * up to the driver's `inlineInputBytes`, or when `detached`.
   */
  readonly stdin: 'none' | 'stream' | Uint8Array;
  /**
   * The process outlives its client, and what it writes is kept for `processes.attach`. Present only
   * when the driver declares `processes` with `attach`.
   */
  readonly detached?: true;
}

/** One running process, as a driver hands it to core. */
export interface DriverProcess {
  /** The process's id inside the sandbox, where the provider knows it. */
  readonly pid?: number;
  /** Names a detached process for `processes.attach`, in any process of the host. */
  readonly id?: string;
  /** Present exactly when `Command.stdin` was `stream`. Closing it is end of input. */
  readonly stdin?: WritableStream<Uint8Array>;
  /** Ends when every writer has closed it, which may be after `exit`. Cancelling must not kill. */
  readonly stdout: ReadableStream<Uint8Array>;
  readonly stderr: ReadableStream<Uint8Array>;
  /** Settles once: how the process ended, or a rejection when the link to it is lost. */
  readonly exit: Promise<ExitStatus>;
  /** Sends a signal (default `SIGKILL`) as far as trait `kill` says. Resolves when delivered; a process that has ended is no error. */
  kill(signal?: Signal): Promise<void>;
}
