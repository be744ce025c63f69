import type { LeaseStore } from '../lease/lease-store.ts';

/** How many events a run has, and the hash of the last one: what the next event is chained to. */
export interface JournalHead {
  readonly size: number;
  /** SHA-256 in hexadecimal. */
  readonly hash: string;
}

/** One event as it is stored. The text is hashed byte for byte; the body is kept apart from the chain. */
export interface JournalEntry {
  /** From 1, without gaps. */
  readonly sequence: number;
  /** The event's canonical JSON. */
  readonly text: string;
  readonly hash: string;
  /** Ciphertext. Absent: the event has none, or the run was erased. */
  readonly body?: Uint8Array;
}

/** A head that was signed with a key that is not in the journal. */
export interface SignedHead extends JournalHead {
  readonly spec: 'gantry-head/1';
  readonly run: string;
  /** Milliseconds since the Unix epoch, by the signer's clock. */
  readonly time: number;
  /** SHA-256 of the public key, in hexadecimal. */
  readonly keyId: string;
  /** Ed25519, base64. */
  readonly signature: string;
}

/** Where a run is in its life. */
export type RunStatus = 'running' | 'suspended' | 'finished' | 'failed' | 'erased';

/** Who may write to a run, and until when nobody else may. */
export interface Claim {
  readonly epoch: number;
  readonly owner: string;
  /** Milliseconds since the Unix epoch, by the journal's clock. */
  readonly expiresAt: number;
}

/** One run, as a list shows it. */
export interface RunSummary {
  readonly run: string;
  readonly name: string;
  readonly createdAt: number;
  readonly status: RunStatus;
  readonly head: JournalHead;
  /** The last claim, whether it still holds or not. Absent: never claimed, or let go of. */
  readonly claim?: Claim;
}

/** What a new run is stored with. */
export interface NewRun {
  readonly run: string;
  readonly name: string;
  /** 32 bytes: what the run's bodies are encrypted with. */
  readonly key: Uint8Array;
}

/** How a run is claimed. */
export interface ClaimOptions {
  readonly owner: string;
  /** Milliseconds until the claim may be taken over without its owner. */
  readonly ttlMs: number;
  /** Takes over although this epoch's claim still holds. Only for who knows that its owner is gone. */
  readonly over?: number;
}

/** What is appended beside the entries, in the same transaction. */
export interface AppendOptions {
  readonly status?: RunStatus;
  readonly signed?: SignedHead;
}

/** Which events to read. */
export interface ReadOptions {
  /** Only events after this sequence. Default 0. */
  readonly after?: number;
  /** Whether bodies come along. Default false. */
  readonly bodies?: boolean;
}

/**
 * Where runs are kept: append-only events, one writer per run, and bodies that can be destroyed. It holds what core gives
 * it and looks into none of it. Reading never waits for a writer. `journalChecks` in `@gantry/core/testing` proves an
 * implementation. Errors: `not-found` for a run that is not there, `aborted` for a writer that lost its claim.
 */
export interface Journal {
  /** A new run with no events. `already-exists` when the id is taken. */
  create(run: NewRun): Promise<RunSummary>;
  /** One run; `undefined` is a confirmed absence. */
  find(run: string): Promise<RunSummary | undefined>;
  /** Every run, the newest first. */
  list(): AsyncIterable<RunSummary>;
  /** Makes the caller the run's only writer, under a new epoch. `failed-precondition` while another's claim holds. */
  claim(run: string, options: ClaimOptions): Promise<Claim>;
  /** Moves the claim's end. `aborted` when the epoch is no longer the run's. */
  renew(run: string, epoch: number, ttlMs: number): Promise<Claim>;
  /** Lets go of the claim; one that is no longer the caller's is left alone. */
  unclaim(run: string, epoch: number): Promise<void>;
  /**
   * All entries or none, durable when it resolves. `aborted` when the epoch is no longer the run's, or when
   * `expected` is not its head: nothing is written then.
   */
  append(
    run: string,
    epoch: number,
    expected: JournalHead,
    entries: readonly JournalEntry[],
    options?: AppendOptions,
  ): Promise<void>;
  /** The run's events in order, as they were when each was read. */
  read(run: string, options?: ReadOptions): AsyncIterable<JournalEntry>;
  /** One event with its body; `undefined` where there is none with that sequence. */
  entry(run: string, sequence: number): Promise<JournalEntry | undefined>;
  /** The run's signed heads, the oldest first. */
  signedHeads(run: string): Promise<readonly SignedHead[]>;
  /** The run's key; `undefined` once it is erased. */
  key(run: string): Promise<Uint8Array | undefined>;
  /** Destroys the run's bodies and key, for the epoch's writer. The events stay. Idempotent. */
  erase(run: string, epoch: number): Promise<void>;
  /** Lets go of files and connections. Idempotent. */
  close(): Promise<void>;
  /** Present where the same place keeps leases too. */
  readonly leases?: LeaseStore;
}
