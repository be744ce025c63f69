/** Durable runs: what is never done twice, and can be proven afterwards. */
export { createHarness } from './harness/create-harness.ts';
export { sqliteJournal } from './harness/journal/sqlite-journal.ts';
export { fileSigner } from './harness/provenance/file-signer.ts';
export type { HarnessOptions } from './harness/harness-options.ts';
export type * from './harness/harness-types.ts';
export type { SqliteJournalOptions } from './harness/journal/sqlite-journal.ts';
export type * from './harness/journal/journal.ts';
export type { EventFacts, Json, RunEvent, RunEventType } from './harness/journal/run-event.ts';
export type * from './harness/lease/lease-store.ts';
export type { PoolOptions } from './harness/lease/pool.ts';
export type * from './harness/fan-out/fan-out-types.ts';
export type { Budgets, Policy, PolicyRule } from './harness/policy/policy.ts';
export type { HeadSigner } from './harness/provenance/head-signer.ts';
export type {
  Verification,
  VerifyOptions,
  VerifyProblem,
} from './harness/provenance/verify-run.ts';
export type * from './harness/run/run-types.ts';
