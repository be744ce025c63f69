import type { ExitStatus, Signal, TerminalSize } from '@gantry/core';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import { OutputFlow } from '../../chassis/output-flow.ts';
import { EventChannel } from './event-channel.ts';
import { endEvent } from './end-event.ts';
import type { ProcessEventSchema } from './wire/process.ts';

/** One event of a process, as it goes over the wire. */
export type ProcessEvent = MessageInitShape<typeof ProcessEventSchema>;

/** What a process was started as. */
export interface ProcessConfig {
  readonly cmd: string;
  readonly args: readonly string[];
  readonly envs: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** A process or a terminal of the sandbox, alike as far as envd is concerned. */
export interface GuestProcess {
  readonly outputs: readonly {
    readonly name: 'stdout' | 'stderr' | 'pty';
    readonly stream: ReadableStream<Uint8Array>;
  }[];
  readonly input?: WritableStream<Uint8Array>;
  readonly exit: Promise<ExitStatus>;
  kill(signal: Signal): Promise<void>;
  resize?(size: TerminalSize): Promise<void>;
}

/**
 * A process that envd knows. What it writes goes to whoever follows it at that time and to nobody later: with
 * no follower it is lost, and with a slow one the process waits.
 */
export class EnvdProcess {
  readonly pid: number;
  readonly tag: string | undefined;
  readonly config: ProcessConfig;
  /** Settles when the process is over, however it went. */
  readonly over: Promise<void>;
  readonly #guest: GuestProcess;
  readonly #followers = new Set<EventChannel<ProcessEvent>>();
  readonly #begin = Promise.withResolvers<void>();
  readonly #input: WritableStreamDefaultWriter<Uint8Array> | undefined;
  #inputClosed = false;
  readonly #flow = new OutputFlow();
  #end: ProcessEvent | undefined;
  #lost: { readonly error: unknown } | undefined;

  constructor(pid: number, config: ProcessConfig, tag: string | undefined, guest: GuestProcess) {
    this.pid = pid;
    this.config = config;
    this.tag = tag;
    this.#guest = guest;
    this.#input = guest.input?.getWriter();
    this.#input?.closed.catch(() => undefined); // A write that fails tells.
    this.over = this.#live();
  }

  get ended(): boolean {
    return this.#end !== undefined || this.#lost !== undefined;
  }

  get isTerminal(): boolean {
    return this.#guest.resize !== undefined;
  }

  /** From now on its events, the start first. One that is over tells its end again. */
  follow(): EventChannel<ProcessEvent> {
    const channel = new EventChannel<ProcessEvent>();
    void channel.send({ event: { case: 'start', value: { pid: this.pid } } });
    if (this.#lost) channel.fail(this.#lost.error);
    else if (this.#end) {
      void channel.send(this.#end);
      channel.end();
    } else this.#followers.add(channel);
    this.#begin.resolve();
    return channel;
  }

  unfollow(channel: EventChannel<ProcessEvent>): void {
    this.#followers.delete(channel);
  }

  async write(bytes: Uint8Array, kind: 'stdin' | 'pty'): Promise<void> {
    if (this.isTerminal !== (kind === 'pty')) {
      const place = this.isTerminal ? 'tty assigned to process' : 'tty not assigned to process';
      throw new ConnectError(`error writing to ${kind}: ${place}`, Code.Internal);
    }
    if (!this.#input || this.#inputClosed) {
      throw new ConnectError('error writing to stdin: stdin not enabled or closed', Code.Internal);
    }
    try {
      await this.#input.write(bytes);
    } catch (error) {
      throw new ConnectError(`error writing to ${kind}: ${String(error)}`, Code.Internal);
    }
  }

  async closeInput(): Promise<void> {
    if (this.isTerminal) {
      const message = 'cannot close stdin for PTY process: send Ctrl+D (0x04) instead';
      throw new ConnectError(message, Code.Internal);
    }
    if (this.#inputClosed) return;
    this.#inputClosed = true;
    await this.#input?.close().catch(() => undefined); // It reads no more: closed all the same.
  }

  async resize(size: TerminalSize): Promise<void> {
    if (!this.#guest.resize) {
      throw new ConnectError('error resizing tty: tty not assigned to process', Code.Internal);
    }
    await this.#guest.resize(size);
  }

  kill(signal: Signal): Promise<void> {
    return this.#guest.kill(signal);
  }

  /** Kills it after that time, whoever still follows it then. */
  killAfter(milliseconds: number): void {
    const timer = setTimeout(() => {
      // One that cannot be killed any more has ended.
      this.kill('SIGKILL').catch(() => undefined);
    }, milliseconds);
    void this.over.then(() => clearTimeout(timer));
  }

  async #live(): Promise<void> {
    // Nothing is read before somebody follows: the first one misses nothing.
    await this.#begin.promise;
    const readers = this.#guest.outputs.map(({ stream }) => stream.getReader());
    const outputs = Promise.all(
      this.#guest.outputs.map(({ name }, index) => this.#pump(name, readers[index])),
    );
    outputs.catch(() => undefined); // The exit tells of a lost link.
    try {
      const status = await this.#guest.exit;
      await this.#flow.untilQuiet(outputs);
      this.#end = { event: { case: 'end', value: endEvent(status) } };
      for (const follower of this.#followers) {
        await follower.send(this.#end);
        follower.end();
      }
    } catch (error) {
      this.#lost = { error };
      for (const follower of this.#followers) follower.fail(error);
    }
    this.#followers.clear();
    await Promise.allSettled(readers.map((reader) => reader.cancel()));
  }

  async #pump(
    name: 'stdout' | 'stderr' | 'pty',
    reader: ReadableStreamDefaultReader<Uint8Array> | undefined,
  ): Promise<void> {
    for (;;) {
      const read = await reader?.read();
      if (!read || read.done) return;
      const event: ProcessEvent = {
        event: { case: 'data', value: { output: { case: name, value: read.value } } },
      };
      const sent = [...this.#followers].map(async (follower) => {
        if (!(await follower.send(event))) this.#followers.delete(follower);
      });
      await this.#flow.pass(Promise.all(sent));
    }
  }
}
