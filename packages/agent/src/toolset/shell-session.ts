import {
  type ExitStatus,
  type RestrictedSandbox,
  SandboxError,
  type SandboxProcess,
  type SpawnOptions,
} from '@gantry/core';
import { OutputWindow } from './output-window.ts';
import type { Excerpt } from './shorten.ts';
import { ToolFailure } from './tool-failure.ts';

const longWaitMs = 600_000;

/** How a command ended. */
export type SessionEnd =
  | { readonly how: 'exit'; readonly status: ExitStatus }
  | { readonly how: 'timeout' };

/** One command and what it has written that nobody has taken yet. */
export class ShellSession {
  readonly id: string;
  readonly command: string;
  readonly #process: SandboxProcess;
  readonly #stdout: OutputWindow;
  readonly #stderr: OutputWindow;
  readonly #input: WritableStreamDefaultWriter<Uint8Array> | undefined;
  readonly #ended: Promise<SessionEnd>;
  #end: SessionEnd | undefined;

  private constructor(id: string, command: string, process: SandboxProcess, keptBytes: number) {
    this.id = id;
    this.command = command;
    this.#process = process;
    this.#stdout = new OutputWindow(process.stdout, keptBytes);
    this.#stderr = new OutputWindow(process.stderr, keptBytes);
    this.#input = process.stdin?.getWriter();
    // A writer whose process has ended tells it here too; `write` says so to the model.
    this.#input?.closed.catch(() => undefined);
    this.#ended = this.#toEnd();
    this.#ended.catch(() => undefined);
  }

  /** Starts a command. It lives until it ends, `kill` or its time-out, whatever becomes of the call that started it. */
  static async start(
    sandbox: RestrictedSandbox,
    id: string,
    command: string,
    keptBytes: number,
    options: SpawnOptions,
  ): Promise<ShellSession> {
    return new ShellSession(id, command, await sandbox.spawn(command, options), keptBytes);
  }

  /** How it ended; undefined while it runs. */
  get end(): SessionEnd | undefined {
    return this.#end;
  }

  /**
   * Waits for its end, for so many milliseconds at most. An abort kills the command and rejects; so does a lost sandbox.
   */
  async wait(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
    const timer = new AbortController();
    const stop = AbortSignal.any([timer.signal, ...(signal ? [signal] : [])]);
    const expired = new Promise<void>((resolve) => {
      const timeout = setTimeout(resolve, milliseconds);
      stop.addEventListener('abort', () => (clearTimeout(timeout), resolve()), { once: true });
      if (stop.aborted) resolve();
    });
    try {
      await Promise.race([this.#ended, expired]);
    } finally {
      timer.abort();
    }
    if (!signal?.aborted) return;
    await this.kill();
    signal.throwIfAborted();
  }

  /** Waits for its end however long that takes: for a command with a time-out. */
  async untilEnd(signal: AbortSignal | undefined): Promise<void> {
    while (!this.#end) await this.wait(longWaitMs, signal);
  }

  /** Hands text to the command; `end` closes its input. */
  async write(text: string, end: boolean): Promise<void> {
    const writer = this.#input;
    if (!writer) {
      throw new ToolFailure(
        `Session ${this.id} takes no input; start the command with interactive: true.`,
      );
    }
    try {
      if (text !== '') await writer.write(Buffer.from(text));
      if (end) await writer.close();
    } catch (cause) {
      // A command that has ended, or closed its input, is no fault of the sandbox; a lost one shows in `wait`.
      throw new ToolFailure(`Session ${this.id} no longer takes input.`, { cause });
    }
  }

  /** What has been written since the last time. */
  take(): { readonly stdout: Excerpt; readonly stderr: Excerpt } {
    return { stdout: this.#stdout.take(), stderr: this.#stderr.take() };
  }

  /** Kills it as far as the provider can, and waits for its end. */
  async kill(): Promise<void> {
    await this.#process.kill('SIGKILL');
    await this.#ended;
  }

  async #toEnd(): Promise<SessionEnd> {
    const end = await this.#exit();
    // What it left behind may hold an output for ever.
    if ((await this.#process.drained()) === 'lingering') {
      await Promise.allSettled([this.#stdout.letGo(), this.#stderr.letGo()]);
    }
    await Promise.allSettled([this.#stdout.ended, this.#stderr.ended]);
    this.#end = end;
    return end;
  }

  async #exit(): Promise<SessionEnd> {
    try {
      return { how: 'exit', status: await this.#process.exit };
    } catch (error) {
      if (SandboxError.is(error) && error.code === 'deadline-exceeded') return { how: 'timeout' };
      throw error;
    }
  }
}
