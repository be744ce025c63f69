/** Network policy and credential brokering: what leaves a sandbox, and with which secrets. */
export { createEgressEngine } from './create-egress-engine.ts';
export { withEgress } from './sandbox/with-egress.ts';
export type { WithEgressOptions } from './sandbox/with-egress.ts';
export type * from './egress-event.ts';
export type * from './egress-types.ts';
