import { type NetworkPolicy, SandboxError } from '@gantry/core/driver';
import type { NetworkPolicy as VendorPolicy, NetworkPolicyRule } from '@vercel/sandbox';

/** What the vendor does to requests, by domain. */
export type NetworkRules = Readonly<Record<string, readonly NetworkPolicyRule[]>>;

/** Header -> text, by domain. */
export type HeadersByDomain = Readonly<Record<string, Readonly<Record<string, string>>>>;

/**
 * A policy in the vendor's terms, with headers that it sets. Ports in an allow-list are refused: the vendor knows blocks and domains
 * only.
 */
export function toNetwork(
  policy: NetworkPolicy,
  rules: NetworkRules,
  headers: HeadersByDomain = {},
): VendorPolicy {
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
    allow: ownRules(domains, withHeaders(rules, headers)),
    ...(blocks.length > 0 ? { subnets: { allow: blocks.map(withLength) } } : {}),
  };
}

/** Whether the vendor sets headers that are none of these rules: secrets that another process has told it of. */
export function setsOtherHeaders(policy: VendorPolicy | undefined, rules: NetworkRules): boolean {
  if (typeof policy !== 'object' || !policy.allow || Array.isArray(policy.allow)) return false;
  return Object.entries(policy.allow).some(
    ([domain, list]) =>
      rules[domain] === undefined && list.some(({ transform }) => transform !== undefined),
  );
}

function withHeaders(rules: NetworkRules, headers: HeadersByDomain): NetworkRules {
  const twice = Object.keys(headers).find((domain) => (rules[domain] ?? []).length > 0);
  if (twice !== undefined) {
    const message = `networkRules says what becomes of requests to ${twice}, and a secret is for it, too: leave one of them out`;
    throw new SandboxError('invalid-argument', message);
  }
  const own = Object.entries(headers).map(([domain, set]): [string, NetworkPolicyRule[]] => [
    domain,
    [{ transform: [{ headers: { ...set } }] }],
  ]);
  return { ...rules, ...Object.fromEntries(own) };
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
