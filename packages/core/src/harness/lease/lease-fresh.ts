import type { CreateOptions, Provider } from '../../contract/provider.ts';
import type { Sandbox } from '../../contract/sandbox.ts';
import { checkNetwork, type Policy } from '../policy/policy.ts';
import { LeasedSandbox, type LeaseTerms } from './leased-sandbox.ts';
import type { Pool } from './pool.ts';

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
  return LeasedSandbox.create(terms, provider, options, onLease, ({ labels, maxLifetimeMs }) => {
    const all = { ...options.labels, ...labels };
    const request = { ...options, labels: all, maxLifetimeMs, signal };
    return restore ? restore(request) : provider.create(request);
  });
}
