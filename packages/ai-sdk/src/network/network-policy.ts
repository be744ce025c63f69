import { type NetworkPolicy, SandboxError } from '@gantry/core';
import type { HarnessV1NetworkPolicy } from '@ai-sdk/harness';

/** The harness's policy in Gantry's words. Throws `unsupported` for denied blocks, for which Gantry has none. */
export function networkPolicy(given: HarnessV1NetworkPolicy): NetworkPolicy {
  if (given.mode === 'allow-all') return { mode: 'open' };
  if (given.mode === 'deny-all') return { mode: 'none' };
  const { allowedHosts = [], allowedCIDRs = [], deniedCIDRs = [] } = given;
  if (deniedCIDRs.length > 0) {
    throw new SandboxError(
      'unsupported',
      'setNetworkPolicy: deniedCIDRs cannot be honoured; what is not allowed is denied',
      { operation: 'setNetworkPolicy' },
    );
  }
  return { mode: 'allow-list', allow: [...allowedHosts, ...allowedCIDRs] };
}
