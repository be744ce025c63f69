import type { NetworkPolicy, Provider } from '@gantry/core';
import { unsupported } from './api-error.ts';
import type { PolicyRequest } from './wire-bodies.ts';

/** A policy as the vendor answers with it, which is not as it is asked for: values of headers are left out. */
export function policyView(policy: PolicyRequest): object {
  if ('mode' in policy) return { mode: policy.mode };
  const { allow = [], subnets = {} } = policy;
  const rules = Array.isArray(allow) ? [] : Object.entries(allow);
  const injectionRules = rules.flatMap(([domain, list]) =>
    list.flatMap(({ match, transform }) =>
      (transform ?? []).map(({ headers = {} }) => ({
        ...{ domain, headerNames: Object.keys(headers) },
        ...(match === undefined ? {} : { match }),
      })),
    ),
  );
  const forwardRules = rules.flatMap(([domain, list]) =>
    list.flatMap(({ match, forwardURL }) =>
      forwardURL === undefined
        ? []
        : [{ domain, forwardURL, ...(match === undefined ? {} : { match }) }],
    ),
  );
  return {
    mode: 'custom',
    allowedDomains: Array.isArray(allow) ? allow : Object.keys(allow),
    ...(subnets.allow ? { allowedCIDRs: subnets.allow } : {}),
    ...(subnets.deny ? { deniedCIDRs: subnets.deny } : {}),
    ...(injectionRules.length > 0 ? { injectionRules } : {}),
    ...(forwardRules.length > 0 ? { forwardRules } : {}),
  };
}

/**
 * A policy in the provider's terms. Without a word about it a sandbox gets what the vendor gives, all of the network, as far as
 * there is one; asked for in so many words and not there, it is refused.
 */
export function providerPolicy(
  provider: Provider,
  policy: PolicyRequest | undefined,
): NetworkPolicy {
  const modes = provider.capabilities.network?.modes ?? ['none'];
  if (policy === undefined) return { mode: modes.includes('open') ? 'open' : 'none' };
  if ('mode' in policy) {
    if (policy.mode === 'deny-all') return { mode: 'none' };
    if (modes.includes('open')) return { mode: 'open' };
    throw unsupported(`provider ${provider.id} has no network`);
  }
  const { allow = [], subnets = {} } = policy;
  const domains = Array.isArray(allow) ? allow : Object.keys(allow);
  const hasRules = !Array.isArray(allow) && Object.values(allow).some((list) => list.length > 0);
  if (hasRules) throw unsupported('requests to other hosts are not changed here');
  if ((subnets.deny ?? []).length > 0) throw unsupported('blocks that are denied');
  const targets = [...domains, ...(subnets.allow ?? [])];
  if (targets.length === 0) return { mode: 'none' };
  if (domains.includes('*') && modes.includes('open')) return { mode: 'open' };
  if (modes.includes('allow-list')) return { mode: 'allow-list', allow: targets };
  throw unsupported(`provider ${provider.id} has no network that is limited to a list`);
}
