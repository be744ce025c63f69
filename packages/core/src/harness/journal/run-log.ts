import { SandboxError } from '../../errors/sandbox-error.ts';
import { canonicalJson } from '../../manifest/canonical-json.ts';
import { type HeadSigner, signHead } from '../provenance/head-signer.ts';
import type { KnownSecrets } from '../../secrets/known-secrets.ts';
import type { BodyCipher } from './body-cipher.ts';
import { nextHead, sha256 } from './chain.ts';
import type { AppendOptions, Journal, JournalEntry, JournalHead, RunStatus } from './journal.ts';
import { type EventFacts, eventProblem, type Json, type RunEvent } from './run-event.ts';

/** The longest that an event which nobody waits for is only in memory. */
const groupMs = 50;

/** What a writer of a run needs. */
export interface RunLogOptions {
  readonly journal: Journal;
  readonly run: string;
  readonly epoch: number;
  readonly head: JournalHead;
  readonly cipher: BodyCipher;
  /** What no event holds. */
  readonly secrets: KnownSecrets;
  readonly actor: string;
  readonly now: () => number;
  readonly signer?: HeadSigner;
  /** Told each event once it is on disk. */
  readonly onWritten?: (event: RunEvent) => void;
}

/** How an event is committed. */
export interface CommitOptions {
  readonly status?: RunStatus;
  /** Signs the head that the event makes. */
  readonly sign?: boolean;
}

/**
 * The one writer of a run. Events are chained the moment they are noted, and written in that order: `note` within 50
 * milliseconds together with others, `commit` before it resolves. After a failure every later event is refused.
 */
export class RunLog {
  /** Told once, when an event could not be written: nothing more will be. */
  onLost: ((error: unknown) => void) | undefined;
  readonly #options: RunLogOptions;
  /** The head of what was noted, and of what is on disk. */
  #head: JournalHead;
  #written: JournalHead;
  #pending: { readonly entry: JournalEntry; readonly event: RunEvent }[] = [];
  #tail: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #failure: { readonly error: unknown } | undefined;

  constructor(options: RunLogOptions) {
    this.#options = options;
    this.#head = options.head;
    this.#written = options.head;
  }

  /** Why nothing can be written any more. */
  get failure(): unknown {
    return this.#failure?.error;
  }

  /** What is left out of every event, and can learn more. */
  get secrets(): KnownSecrets {
    return this.#options.secrets;
  }

  /** The keyed digest of a value, for `inputs` and `outputs`. */
  digest(value: Json): string {
    return this.#options.cipher.digest(value);
  }

  /** A value as the journal keeps it, without secrets. */
  redacted(value: Json): Json {
    return this.secrets.json(value);
  }

  /** The same for a text. */
  redactedText(text: string): string {
    return this.secrets.text(text);
  }

  /** Redacts and chains an event; it is on disk within 50 milliseconds, or with the next commit. */
  note(facts: EventFacts, body?: Json): RunEvent {
    if (this.#failure) throw this.#refusal();
    const event = this.#chain(facts, body);
    this.#timer ??= setTimeout(() => void this.#flush().catch(() => undefined), groupMs).unref();
    return event;
  }

  /** The same, and on disk with all before it when this resolves. Rejects with `aborted` for a writer that lost its run. */
  async commit(facts: EventFacts, body?: Json, options: CommitOptions = {}): Promise<RunEvent> {
    if (this.#failure) throw this.#refusal();
    const event = this.#chain(facts, body);
    await this.#flush(options);
    return event;
  }

  /** Writes what was noted. */
  async flush(options: CommitOptions = {}): Promise<void> {
    await this.#flush(options);
  }

  #chain(facts: EventFacts, body: Json | undefined): RunEvent {
    const { run, epoch, actor, now, secrets, cipher } = this.#options;
    const sequence = this.#head.size + 1;
    const sealed = body === undefined ? undefined : cipher.seal(secrets.json(body), run, sequence);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the same shape, with other text in it
    const plain = secrets.json(facts as unknown as Json) as unknown as EventFacts;
    const { type } = facts;
    const known = { spec: 'gantry-event/1', type, run, sequence, time: now(), epoch } as const;
    const event: RunEvent = {
      actor,
      ...plain,
      ...known,
      ...(sealed ? { body: { sha256: sha256(sealed), bytes: sealed.length } } : {}),
    };
    // What could not be read again must not be written: the run could never be gone on with.
    const problem = eventProblem(event);
    if (problem !== undefined) {
      const message = `an event of run ${run} cannot be written: ${problem}`;
      throw new SandboxError('invalid-argument', message, { operation: 'journal.append' });
    }
    const text = canonicalJson(event);
    this.#head = nextHead(this.#head, text);
    const entry = { sequence, text, hash: this.#head.hash, ...(sealed ? { body: sealed } : {}) };
    this.#pending.push({ entry, event });
    return event;
  }

  #flush(options: CommitOptions = {}): Promise<void> {
    const turn = this.#tail.then(() => this.#write(options));
    this.#tail = turn.catch(() => undefined);
    return turn;
  }

  async #write({ status, sign = false }: CommitOptions): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#failure) throw this.#refusal();
    const group = this.#pending;
    this.#pending = [];
    const { journal, run, epoch, signer, now, onWritten } = this.#options;
    const last = group.at(-1)?.entry;
    // An earlier turn may have written what this one was for: its signature and status are still to come.
    if (!last && status === undefined && !sign) return;
    const head = last ? { size: last.sequence, hash: last.hash } : this.#written;
    try {
      const signed = sign && signer ? await signHead(run, head, now(), signer) : undefined;
      const options: AppendOptions = {
        ...(status === undefined ? {} : { status }),
        ...(signed ? { signed } : {}),
      };
      const entries = group.map(({ entry }) => entry);
      await journal.append(run, epoch, this.#written, entries, options);
      this.#written = head;
      if (signed) await signer?.keep?.(signed);
    } catch (error) {
      this.#failure = { error };
      this.onLost?.(error);
      throw error;
    }
    for (const { event } of group) onWritten?.(event);
  }

  #refusal(): unknown {
    const error = this.#failure?.error;
    if (SandboxError.is(error)) return error;
    return new SandboxError('unavailable', `the journal cannot be written: ${String(error)}`, {
      operation: 'journal.append',
      cause: error,
    });
  }
}
