/** Driver wrappers for tests: `provider.wrap(wrapper)`. */
export { counting } from './wrappers/counting.ts';
export type { CallCounts } from './wrappers/counting.ts';
export { faulty } from './wrappers/faulty.ts';
export type { Fault, FaultPlan, FaultRule } from './wrappers/faulty.ts';
export { storeChecks } from './testing/store-checks.ts';
export type { StoreCheck, StoreSubject } from './testing/store-checks.ts';
export { tracing } from './wrappers/tracing.ts';
export type { TraceEvent } from './wrappers/tracing.ts';
