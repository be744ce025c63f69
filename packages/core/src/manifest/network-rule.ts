import { isIP } from 'node:net';
import type { NetworkPolicy, RequestRule } from '../contract/network.ts';

/** What an item of a network allow-list stands for. */
export type NetworkTarget =
  | {
      /** A name in lower case; with `subdomains`, every name that ends in a dot and it, and not itself. */
      readonly name: string;
      readonly subdomains: boolean;
      readonly port?: number;
    }
  | {
      readonly address: string;
      readonly family: 'ipv4' | 'ipv6';
      /** Bits of the address that must match. */
      readonly prefix: number;
      readonly port?: number;
    };

const hostName =
  /^(?:\*\.)?[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*$/;

/** Methods that no request may have: two that echo what was sent, and one that is no request to a host. */
const refusedMethods: ReadonlySet<string> = new Set(['TRACE', 'TRACK', 'CONNECT']);

/**
 * Says why an item of a network allow-list is refused, or `undefined`: a host name, which may start
 * with `*.`, or an address or CIDR block; each may end in `:port`, IPv6 then in square brackets.
 */
export function networkRuleProblem(rule: string): string | undefined {
  const { target, port, block } = split(rule);
  return (block ? addressProblem(target) : hostProblem(target)) ?? portProblem(port);
}

/** What an item stands for. Only for items that `networkRuleProblem` has no word on. */
export function parseNetworkTarget(rule: string): NetworkTarget {
  const { target, port: digits, block } = split(rule);
  const port = digits === undefined ? {} : { port: Number(digits) };
  if (!block) {
    const subdomains = target.startsWith('*.');
    return { name: (subdomains ? target.slice(2) : target).toLowerCase(), subdomains, ...port };
  }
  const [address = '', prefix] = target.split('/');
  const family = isIP(address) === 4 ? 'ipv4' : 'ipv6';
  const bits = prefix === undefined ? (family === 'ipv4' ? 32 : 128) : Number(prefix);
  return { address, family, prefix: bits, ...port };
}

/** Says why a rule for requests is refused, or `undefined`. Its host is looked at by `networkRuleProblem`. */
export function requestRuleProblem({ methods, paths }: RequestRule): string | undefined {
  for (const method of methods ?? []) {
    if (!/^[A-Z][A-Z-]{0,31}$/.test(method)) return `the method ${method} is not in capitals`;
    if (refusedMethods.has(method)) return `the method ${method} cannot be allowed`;
  }
  for (const path of paths ?? []) {
    if (!/^\/[^?#%\\\p{Cc}]*$/u.test(path) || path.length > 1024)
      return `the path ${path} must start with / and be written decoded, without a query or backslash`;
    if (path.split('/').some((segment) => segment === '.' || segment === '..'))
      return `the path ${path} has a segment of dots, which no request that is passed on has`;
    if (path.split('/').some((segment) => segment.includes('**') && segment !== '**'))
      return `the path ${path} has ** beside other characters; it stands for whole segments`;
  }
  if (methods?.length === 0 || paths?.length === 0) return 'an empty list allows nothing';
  return undefined;
}

/** Whether a policy has rules that only a provider with `network.requests` can keep. */
export function limitsRequests(policy: NetworkPolicy | undefined): boolean {
  return policy?.mode === 'allow-list' && (policy.requests ?? []).length > 0;
}

function split(rule: string): { target: string; port: string | undefined; block: boolean } {
  const bracketed = /^\[([^\]]+)\](?::(\d{1,5}))?$/.exec(rule);
  if (bracketed !== null) return { target: bracketed[1] ?? '', port: bracketed[2], block: true };
  if (rule.split(':').length > 2) return { target: rule, port: undefined, block: true };
  const [target = '', port] = rule.split(':');
  return { target, port, block: /^[\d.]+(?:\/|$)/.test(target) };
}

function hostProblem(host: string): string | undefined {
  return host.length <= 253 && hostName.test(host)
    ? undefined
    : 'neither a host name, an address nor a CIDR block';
}

function addressProblem(text: string): string | undefined {
  const [address = '', prefix, ...rest] = text.split('/');
  const family = isIP(address);
  if (family === 0 || address.includes('%') || rest.length > 0)
    return 'not an IP address or CIDR block';
  if (prefix === undefined) return undefined;
  const good = /^\d{1,3}$/.test(prefix) && Number(prefix) <= (family === 4 ? 32 : 128);
  return good ? undefined : 'the length of the CIDR prefix is out of range';
}

function portProblem(port: string | undefined): string | undefined {
  if (port === undefined) return undefined;
  const good = /^\d{1,5}$/.test(port) && Number(port) >= 1 && Number(port) <= 65_535;
  return good ? undefined : 'the port is not within 1 to 65535';
}
