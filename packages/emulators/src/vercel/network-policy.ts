import type { NetworkPolicy, Provider } from '@gantry/core';
import { type SetHeader, setHeadersProblem } from '../chassis/set-headers.ts';
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
  const headers = setHeadersOf(policy);
  const problem = setHeadersProblem(provider, headers);
  if (problem !== undefined) throw unsupported(problem);
  if (headers.length > 0 && domains.includes('*')) {
    throw unsupported('headers are not set here beside an open network');
  }
  if ((subnets.deny ?? []).length > 0) throw unsupported('blocks that are denied');
  const targets = [...domains, ...(subnets.allow ?? [])];
  if (targets.length === 0) return { mode: 'none' };
  if (domains.includes('*') && modes.includes('open')) return { mode: 'open' };
  if (modes.includes('allow-list')) return { mode: 'allow-list', allow: targets };
  throw unsupported(`provider ${provider.id} has no network that is limited to a list`);
}

/** The headers that a policy has set. Throws the vendor's error for what else it would do to requests. */
export function setHeadersOf(policy: PolicyRequest | undefined): readonly SetHeader[] {
  if (!policy || 'mode' in policy || !policy.allow || Array.isArray(policy.allow)) return [];
  return Object.entries(policy.allow).flatMap(([host, rules]) =>
    rules.flatMap(({ match, transform = [], forwardURL, response }) => {
      if (match !== undefined || forwardURL !== undefined || response !== undefined) {
        throw unsupported('rules that match, forward or answer requests are not emulated');
      }
      return transform.flatMap(({ headers = {} }) =>
        Object.entries(headers).map(([header, text]) => ({ host, header, text })),
      );
    }),
  );
}
