import type { Provider, SecretResolver } from '@gantry/core';
import { createEgressEngine } from '../create-egress-engine.ts';
import type { EgressBudgets, EgressOptions } from '../egress-types.ts';
import { egressWrapper } from './egress-wrapper.ts';

/** How the sandboxes of a provider reach the network. */
export interface WithEgressOptions extends Partial<Omit<EgressOptions, 'onSecret'>> {
  /** Bounds of each sandbox. */
  readonly budgets?: EgressBudgets;
  /**
   * Where policies and rules of secrets are kept, for `connect` from another process. Default: `/var/lib/gantry/egress` for root,
   * `$XDG_STATE_HOME/gantry/egress` for others. No secret is there.
   */
  readonly stateDirectory?: string;
  /** Resolves references other than `env:` and `file:` where a create does not say how, and after a `connect`. */
  readonly secrets?: SecretResolver;
}

/**
 * The same provider, whose sandboxes may have an `allow-list` and secrets: a proxy in this process is all the network that they
 * have. It ends with this process, and then nothing gets out. Throws `unsupported` for a provider that cannot hand over what its
 * sandboxes connect to.
 */
export function withEgress(provider: Provider, options: WithEgressOptions = {}): Provider {
  return provider.wrap(egressWrapper(options, createEgressEngine));
}
