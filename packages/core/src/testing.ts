/** Driver wrappers for tests: `provider.wrap(wrapper)`. */
export { counting } from './wrappers/counting.ts';
export type { CallCounts } from './wrappers/counting.ts';
export { faulty } from './wrappers/faulty.ts';
export type { Fault, FaultPlan, FaultRule } from './wrappers/faulty.ts';
export { storeChecks } from './testing/store-checks.ts';
export type { StoreCheck, StoreSubject } from './testing/store-checks.ts';
export { tracing } from './wrappers/tracing.ts';
export type { TraceEvent } from './wrappers/tracing.ts';
/** What every implementation of a store must do, for any test runner. */
export { journalChecks } from './harness/journal/journal-checks.ts';
export type { JournalSubject } from './harness/journal/journal-checks.ts';
export { leaseChecks } from './harness/lease/lease-checks.ts';
export type { LeaseSubject } from './harness/lease/lease-checks.ts';
export type { ContractCheck } from './testing/contract-check.ts';
