import type { RunEvent } from './journal/run-event.ts';
import type { RunSummary } from './journal/journal.ts';
import type { Verification, VerifyOptions } from './provenance/verify-run.ts';
import type { Artifact, Ask, RunFunction, RunOptions, RunOutcome } from './run/run-types.ts';

/** One event of a run, as it is shown. */
export interface ShownEvent extends RunEvent {
  /** Whether a rollback took it back: what it tells happened, and counts for nothing. */
  readonly superseded: boolean;
}

/** How events are read. */
export interface EventOptions {
  /** Goes on with what is written from now on, until the run has ended or the signal is aborted. Default false. */
  readonly follow?: boolean;
  readonly signal?: AbortSignal;
}

/** What was answered to an ask, and by whom. */
export interface Answer {
  readonly allow: boolean;
  readonly by: string;
  readonly note?: string;
}

/** In which form provenance is exported. `intoto`: in-toto statements (JSON lines); `otel`: OTLP JSON; `jsonl`: the events. */
export type ExportFormat = 'intoto' | 'otel' | 'jsonl';

/** What a reaper did. */
export interface ReapReport {
  /** `PROVIDER/ID` of what was destroyed. */
  readonly destroyed: readonly string[];
  /** Leases that were given up. */
  readonly released: number;
  /** Sandboxes that somebody still looks after. */
  readonly kept: number;
  /** What could not be destroyed or listed; a later reap tries again. */
  readonly failed: readonly { readonly what: string; readonly error: unknown }[];
}

/** Drives durable runs and answers for them afterwards. */
export interface Harness extends AsyncDisposable {
  /**
   * Runs a function durably. With the id of a run that is there, that run goes on. Rejects with the error that the run failed
   * with; with `failed-precondition` while another process drives it, and `aborted` when another process took it over.
   */
  run<Value>(
    name: string,
    options: RunOptions,
    work: RunFunction<Value>,
  ): Promise<RunOutcome<Value>>;
  /** Says what a run of this name is, for `resume` in a process that did not begin it. */
  define(name: string, options: RunOptions, work: RunFunction<unknown>): void;
  /**
   * Goes on with a run that was interrupted, suspended or has failed; the code is what `run` or `define` gave for its name. A
   * run that has finished gives its result again.
   */
  resume(run: string): Promise<RunOutcome<unknown>>;
  /** Every run, the newest first. */
  runs(): AsyncIterable<RunSummary>;
  /** The events of a run, in order. */
  events(run: string, options?: EventOptions): AsyncIterable<ShownEvent>;
  /** What an event holds beside its facts; `undefined` where it has nothing, or the run was erased. */
  body(run: string, sequence: number): Promise<unknown>;
  /** What a suspended run waits for. */
  asks(run: string): Promise<readonly Ask[]>;
  /** Answers an ask, durably. Then resume the run. */
  approve(run: string, ask: string, answer: Answer): Promise<void>;
  /** The bytes of an artifact, checked against its digest. */
  artifact(artifact: Artifact): Promise<Uint8Array>;
  /** Whether the run's events are what was written. With the harness's own signer when no key is given. */
  verify(run: string, options?: VerifyOptions): Promise<Verification>;
  /** The run's provenance for other tools, as lines of text. */
  export(run: string, format: ExportFormat): AsyncIterable<string>;
  /**
   * Destroys what a run recorded: bodies, key, artifacts, and the records of its snapshots, whose bytes go when the store is
   * pruned. Its events stay, and still verify.
   */
  erase(run: string): Promise<void>;
  /** Destroys the pool's warm sandboxes; runs go on without. Idempotent. */
  close(): Promise<void>;
  /** Destroys sandboxes that nobody looks after any more, from any machine. */
  reap(): Promise<ReapReport>;
}
