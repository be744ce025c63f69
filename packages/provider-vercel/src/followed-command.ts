import { setTimeout as delay } from 'node:timers/promises';
import { type ExitStatus, SandboxError } from '@gantry/core/driver';
import { streams } from '@gantry/core/node';
import { fromVendor } from './errors.ts';
import type { BeginMark } from './marked-output.ts';
import { paces } from './vendor-fetch.ts';

/** How much later than the end of a command that of its log may be told, which is asked for by itself. */
const lateLogMs = 1_000;

/** What is asked of the SDK's command. */
interface Followable {
  readonly logs: (options: {
    signal: AbortSignal;
  }) => AsyncIterable<{ readonly stream: 'stdout' | 'stderr'; readonly data: string }>;
  readonly wait: (options: { signal: AbortSignal }) => Promise<{ readonly exitCode: number }>;
}

/** What is known of a command from its log. */
export class FollowedCommand {
  readonly stdout: streams.OutputStream = new streams.OutputStream();
  readonly stderr: streams.OutputStream = new streams.OutputStream();
  readonly exit: Promise<ExitStatus>;
  /** Settles when nothing more is heard. */
  readonly over: Promise<unknown>;
  ended = false;
  readonly #exit = Promise.withResolvers<ExitStatus>();
  readonly #stop = new AbortController();
  readonly #begin: BeginMark;
  /** Until then nobody has room for more. */
  #room: Promise<void> = Promise.resolve();

  constructor(command: Followable, begin: BeginMark) {
    this.#begin = begin;
    this.exit = this.#exit.promise;
    this.exit.catch(() => undefined); // Whoever waits for it is told.
    const log = paces.run(
      () => this.#room,
      () => this.#follow(command),
    );
    this.over = Promise.allSettled([log, this.#wait(command, log)]);
  }

  /** What was not told by now never will be. */
  readonly lose = (error: Error): void => {
    this.#exit.reject(error);
    this.#fail(error);
    this.#stop.abort();
  };

  async #follow(command: Followable): Promise<void> {
    try {
      for await (const { stream, data } of command.logs({ signal: this.#stop.signal })) {
        const text = stream === 'stderr' ? this.#begin.take(data) : data;
        const room = this[stream].push(Buffer.from(text));
        // Nobody can read before it is known to have begun, which the other output may tell later.
        this.#room = this.#begin.came ? room : Promise.resolve();
        await this.#room;
      }
      this.#begin.lose(lost("the command's log ended before it began"));
      this.stdout.end();
      this.stderr.end();
    } catch (error) {
      const said = fromVendor(error);
      const reason = said instanceof Error ? said.message : String(said);
      this.#fail(lost(`what it printed was lost: ${reason}`, error));
    }
  }

  /** How it ended, which the vendor tells late; a question that was not answered is asked again when the log has ended. */
  async #wait(command: Followable, log: Promise<void>): Promise<void> {
    const { signal } = this.#stop;
    try {
      const early = await command.wait({ signal }).catch(() => undefined);
      if (!early) await log;
      const { exitCode } = early ?? (await command.wait({ signal }));
      this.ended = true;
      // Else an output that has ended too could read as one that somebody still holds.
      await Promise.race([log, delay(lateLogMs, undefined, { ref: false })]);
      this.#exit.resolve(
        exitCode >= 0 ? { code: exitCode } : { unknown: `the vendor says exit code ${exitCode}` },
      );
    } catch (error) {
      const said = fromVendor(error);
      const reason = said instanceof Error ? said.message : String(said);
      this.#exit.reject(lost(`how it ended was not told: ${reason}`, error));
    }
  }

  #fail(error: Error): void {
    this.#begin.lose(error);
    this.stdout.fail(error);
    this.stderr.fail(error);
  }
}

function lost(message: string, cause?: unknown): SandboxError {
  return new SandboxError('unavailable', message, { outcome: 'unknown', cause });
}
