import { type NetworkPolicy, SandboxError } from '@gantry/core/driver';
import type { NetworkPolicy as VendorPolicy, NetworkPolicyRule } from '@vercel/sandbox';

/** What the vendor does to requests, by domain. */
export type NetworkRules = Readonly<Record<string, readonly NetworkPolicyRule[]>>;

/** A policy in the vendor's terms. Ports in an allow-list are refused: the vendor knows blocks and domains only. */
export function toNetwork(policy: NetworkPolicy, rules: NetworkRules): VendorPolicy {
  if (policy.mode === 'none') return 'deny-all';
  if (policy.mode === 'open') {
    const all = Object.keys(rules).length === 0;
    return all ? 'allow-all' : { allow: { ...ownRules(Object.keys(rules), rules), '*': [] } };
  }
  const withPort = policy.allow.find((target) => /[^:]:\d+$/.test(target));
  if (withPort !== undefined) {
    const message = `Vercel cannot limit a network to a port: ${withPort}`;
    throw new SandboxError('unsupported', message, { details: { capability: 'network' } });
  }
  if (policy.allow.length === 0) return 'deny-all';
  const blocks = policy.allow.filter(isBlock);
  const domains = policy.allow.filter((target) => !isBlock(target));
  return {
    allow: ownRules(domains, rules),
    ...(blocks.length > 0 ? { subnets: { allow: blocks.map(withLength) } } : {}),
  };
}

function ownRules(
  domains: readonly string[],
  rules: NetworkRules,
): Record<string, NetworkPolicyRule[]> {
  return Object.fromEntries(domains.map((domain) => [domain, [...(rules[domain] ?? [])]]));
}

function isBlock(target: string): boolean {
  return /^[\d.]+(?:\/\d+)?$/.test(target) || /^[0-9a-f:]*:[0-9a-f:]*(?:\/\d+)?$/i.test(target);
}

/** The vendor takes blocks only: one address is a block of its own. */
function withLength(block: string): string {
  if (block.includes('/')) return block;
  return `${block}/${block.includes(':') ? 128 : 32}`;
}
