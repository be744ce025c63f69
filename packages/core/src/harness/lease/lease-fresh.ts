import type { CreateOptions, Provider } from '../../contract/provider.ts';
import type { Sandbox } from '../../contract/sandbox.ts';
import { SandboxError } from '../../errors/sandbox-error.ts';
import { sandboxName } from '../run/recorded-sandbox.ts';
import { inSpan } from '../telemetry/in-span.ts';
import { createSpan } from '../telemetry/spans.ts';
import { checkNetwork, type Policy } from '../policy/policy.ts';
import { LeasedSandbox, type LeaseTerms } from './leased-sandbox.ts';
import type { Pool } from './pool.ts';

/** How often a sandbox is made that ends before it is complete. */
const mostTries = 4;

/** How a leased sandbox is made. */
export interface FreshSandbox {
  readonly terms: LeaseTerms;
  readonly pool: Pool | undefined;
  readonly policy: Policy;
  readonly provider: Provider;
  readonly options: Omit<CreateOptions, 'signal' | 'timeoutMs'>;
  readonly signal: AbortSignal;
  /** Told the lease before the sandbox is anybody's. */
  readonly onLease: (lease: string) => Promise<void>;
  /** Makes it of something saved in place of its manifest. */
  readonly restore?: ((options: CreateOptions) => Promise<Sandbox>) | undefined;
}

/** A sandbox under a lease: a warm one that fits, else a new one. */
export async function leaseFresh(fresh: FreshSandbox): Promise<LeasedSandbox> {
  const { terms, pool, provider, options, signal, onLease, restore, policy } = fresh;
  checkNetwork(policy, options.manifest?.network);
  const warm = restore ? undefined : await pool?.take(provider, options);
  if (warm) {
    warm.onLost = terms.onLost;
    await onLease(warm.lease);
    return warm;
  }
  for (let tries = 1; ; tries++) {
    try {
      return await LeasedSandbox.create(terms, provider, options, onLease, (leased) => {
        const labels = { ...options.labels, ...leased.labels };
        const request = { ...options, labels, maxLifetimeMs: leased.maxLifetimeMs, signal };
        return inSpan(createSpan(provider.id), async ({ set }) => {
          const made = await (restore ? restore(request) : provider.create(request));
          const { by = 'create' } = made.origin;
          set({ 'gantry.sandbox': sandboxName(made.ref), 'gantry.sandbox.by': by });
          return made;
        });
      });
    } catch (error) {
      if (tries === mostTries || !endedMeanwhile(error)) throw error;
    }
  }
}

/** Whether a sandbox was there and may have ended before it was complete: nothing of it is left, and another may do better. */
function endedMeanwhile(error: unknown): boolean {
  if (!SandboxError.is(error) || error.ref === undefined) return false;
  return ['unknown', 'not-found', 'unavailable'].includes(error.code);
}
