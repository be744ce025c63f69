import { SandboxError } from '../../errors/sandbox-error.ts';
import type { BodyCipher } from '../journal/body-cipher.ts';
import type { Journal } from '../journal/journal.ts';
import type { RunLog } from '../journal/run-log.ts';
import { inSpan, type LiveSpan, type SpanStart } from '../telemetry/in-span.ts';
import type { RunState } from './run-state.ts';
import type { Ask } from './run-types.ts';

/** How many events, and bytes of their bodies, are read at once. */
const mostAhead = 400;
const mostBytesAhead = 16 * 1024 * 1024;

/** Why a run's function is not run on: it starts again from the last checkpoint, waits for an answer, or has failed. */
export type PassEnd =
  | { readonly kind: 'rollback'; readonly reason: string }
  | { readonly kind: 'suspend'; readonly ask: Ask }
  | { readonly kind: 'fail'; readonly error: SandboxError };

/** One time through a run's function. Once it has ended, whatever that function still tries is refused. */
export class Pass {
  readonly run: string;
  readonly journal: Journal;
  readonly cipher: BodyCipher;
  readonly log: RunLog;
  /** What the journal said when this pass began. */
  readonly state: RunState;
  /** Resolves when the pass ends before its function does. */
  readonly ended: Promise<PassEnd>;
  readonly #controller = new AbortController();
  readonly #tracked = new Set<Promise<void>>();
  readonly #ahead = new Map<number, Uint8Array>();
  #end: PassEnd | undefined;
  #resolve: (end: PassEnd) => void = () => undefined;

  constructor(run: string, journal: Journal, cipher: BodyCipher, log: RunLog, state: RunState) {
    this.run = run;
    this.journal = journal;
    this.cipher = cipher;
    this.log = log;
    this.state = state;
    this.ended = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  /** Aborted when the pass ends. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Ends the pass; the first reason counts. Returns the error for who caused it. */
  stop(end: PassEnd): SandboxError {
    if (!this.#end) {
      this.#end = end;
      this.#controller.abort(this.#error());
      this.#resolve(end);
    }
    return this.#error();
  }

  /** Throws once the pass has ended. */
  throwIfEnded(): void {
    if (this.#end) throw this.#error();
  }

  /** The work's result, or a rejection as soon as the pass ends. */
  async until<Result>(work: Promise<Result>): Promise<Result> {
    const ended = this.ended.then((): never => {
      throw this.#error();
    });
    return Promise.race([work, ended]);
  }

  /** Keeps the pass from being over before this has settled: what was begun must be cleaned up. */
  track<Result>(work: Promise<Result>): Promise<Result> {
    const tracked = work.then(
      () => undefined,
      () => undefined,
    );
    this.#tracked.add(tracked);
    void tracked.then(() => this.#tracked.delete(tracked));
    return work;
  }

  /** Resolves when nothing that is tracked runs any more. */
  async settled(): Promise<void> {
    while (this.#tracked.size > 0) await Promise.all(this.#tracked);
  }

  /** Does work within a span of the trace that this run is in. No known secret gets into it. */
  span<Result>(
    { name, attributes, ...rest }: SpanStart,
    work: (span: LiveSpan) => Promise<Result>,
  ): Promise<Result> {
    const text = (value: string): string => this.log.redactedText(value);
    const redacted = Object.entries(attributes).map(
      ([key, value]) => [key, typeof value === 'string' ? text(value) : value] as const,
    );
    return inSpan({ ...rest, name: text(name), attributes: Object.fromEntries(redacted) }, work);
  }

  /** The body of a recorded event. Those that follow are read with it: a function that goes on asks for them next. */
  async body(sequence: number): Promise<unknown> {
    const body = this.#ahead.get(sequence) ?? (await this.#readAhead(sequence));
    this.#ahead.delete(sequence);
    if (body) return this.cipher.open(body, this.run, sequence);
    throw new SandboxError(
      'data-loss',
      `event ${sequence} of run ${this.run} has no body; the run was erased or damaged`,
      { operation: 'journal.read', details: { run: this.run, sequence } },
    );
  }

  async #readAhead(first: number): Promise<Uint8Array | undefined> {
    this.#ahead.clear();
    let bytes = 0;
    for await (const { sequence, body } of this.journal.read(this.run, {
      after: first - 1,
      bodies: true,
    })) {
      if (body) this.#ahead.set(sequence, body);
      bytes += body?.length ?? 0;
      if (sequence - first >= mostAhead || bytes > mostBytesAhead) break;
    }
    return this.#ahead.get(first);
  }

  #error(): SandboxError {
    const end = this.#end;
    if (end?.kind === 'fail') return end.error;
    const message =
      end?.kind === 'suspend'
        ? `run ${this.run} waits for an answer to ${end.ask.id}: ${end.ask.subject}`
        : `run ${this.run} goes back to its last checkpoint: ${end?.reason ?? 'it has ended'}`;
    const reason = end?.kind ?? 'ended';
    return new SandboxError('aborted', message, {
      operation: 'run',
      retryable: false,
      details: { reason },
    });
  }
}
