import type { EgressEngine, EgressOptions } from './egress-types.ts';

/** A proxy that lets out what a policy allows, puts secrets into it, and keeps a record. Close it at the end. */
export function createEgressEngine(options: EgressOptions): EgressEngine {
  throw new Error(`not here yet: ${String(options)}`);
}
