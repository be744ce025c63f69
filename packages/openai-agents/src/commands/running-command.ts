import { exitNumber, type ExitStatus, type SandboxProcess, type Terminal } from '@gantry/core';
import { BoundedText } from './bounded-text.ts';

/** What was written since the last look. */
export interface NewOutput {
  readonly output: string;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command that may outlast the call that started it: its output is read on, and kept within bounds, until it is asked for. */
export class RunningCommand {
  readonly #process: SandboxProcess | Terminal;
  readonly #texts = {
    output: new BoundedText(),
    stdout: new BoundedText(),
    stderr: new BoundedText(),
  };
  readonly #ended: Promise<void>;
  readonly #readers: readonly ReadableStreamDefaultReader<Uint8Array>[];
  #exit: ExitStatus | undefined;
  #failure: unknown;

  constructor(process: SandboxProcess | Terminal) {
    this.#process = process;
    const streams =
      'output' in process
        ? [{ stream: process.output, name: 'stdout' as const }]
        : [
            { stream: process.stdout, name: 'stdout' as const },
            { stream: process.stderr, name: 'stderr' as const },
          ];
    const reading = streams.map(({ stream, name }) => {
      const reader = stream.getReader();
      return { reader, done: this.#read(reader, name) };
    });
    this.#readers = reading.map(({ reader }) => reader);
    this.#ended = this.#end(reading.map(({ done }) => done));
    // Looked at by whoever waits; a command that nobody waits for must not end the program.
    this.#ended.catch(() => undefined);
  }

  /** True where what is written reaches the command as keys of a terminal. */
  get isTerminal(): boolean {
    return 'input' in this.#process;
  }

  /** Waits until the command has ended, but no longer than this. Rejects when the link to it is lost. */
  async wait(milliseconds: number): Promise<boolean> {
    const limit = Promise.withResolvers<boolean>();
    const timer = setTimeout(() => limit.resolve(false), milliseconds);
    try {
      return await Promise.race([this.#ended.then(() => true), limit.promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** What was written since the last call. */
  take(): NewOutput {
    const { output, stdout, stderr } = this.#texts;
    return { output: output.take(), stdout: stdout.take(), stderr: stderr.take() };
  }

  /** The exit code, as a shell tells it: 128 + n for a death by signal n. `null`: it cannot be known. */
  get exitCode(): number | null {
    return (this.#exit && exitNumber(this.#exit)) ?? null;
  }

  /** Sends keys to a terminal. */
  async write(text: string): Promise<void> {
    if (!('input' in this.#process)) throw new TypeError('the command has no terminal');
    const writer = this.#process.input.getWriter();
    try {
      await writer.write(new TextEncoder().encode(text));
    } finally {
      writer.releaseLock();
    }
  }

  /** What Ctrl-C does in a terminal. */
  async interrupt(): Promise<void> {
    await this.#process.kill('SIGINT');
  }

  /** Kills what still runs. */
  async close(): Promise<void> {
    await this.#process[Symbol.asyncDispose]();
    await this.#letGo();
  }

  async #read(
    reader: ReadableStreamDefaultReader<Uint8Array>,
    name: 'stdout' | 'stderr',
  ): Promise<void> {
    const decoder = new TextDecoder();
    const add = (text: string): void => {
      this.#texts.output.append(text);
      this.#texts[name].append(text);
    };
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        add(decoder.decode(value, { stream: true }));
      }
    } catch (error) {
      // Told by the exit where the link was lost; a terminal's output may break off when its program ends.
      this.#failure ??= error;
    }
    add(decoder.decode());
  }

  async #end(reading: readonly Promise<void>[]): Promise<void> {
    this.#exit = await this.#process.exit;
    const process = this.#process;
    if ('drained' in process && (await process.drained()) === 'lingering') await this.#letGo();
    await Promise.all(reading);
    // oxlint-disable-next-line typescript/only-throw-error -- the error of its output, as it came
    if (this.#exit.unknown !== undefined && this.#failure !== undefined) throw this.#failure;
  }

  async #letGo(): Promise<void> {
    await Promise.allSettled(this.#readers.map((reader) => reader.cancel()));
  }
}
