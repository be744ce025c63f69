import { type NetworkPolicy, SandboxError } from '@gantry/core/driver';

/** Header -> text, by host. */
type HeadersByHost = Readonly<Record<string, Readonly<Record<string, string>>>>;

interface Rule {
  transform: { headers: Record<string, string> };
}

/** A policy in the vendor's terms, with headers that it sets. Ports in an allow-list are refused: the vendor knows hosts only. */
export function toNetwork(
  policy: NetworkPolicy,
  headers: HeadersByHost = {},
): {
  readonly allowInternetAccess: boolean;
  readonly allowOut?: string[];
  readonly denyOut?: string[];
  readonly rules?: Record<string, Rule[]>;
} {
  if (policy.mode !== 'allow-list') return { allowInternetAccess: policy.mode === 'open' };
  const withPort = policy.allow.find((target) => /:\d+$/.test(target));
  if (withPort !== undefined) {
    const message = `E2B cannot limit a network to a port: ${withPort}`;
    throw new SandboxError('unsupported', message, { details: { capability: 'network' } });
  }
  const rules = Object.entries(headers).map(([host, set]): [string, Rule[]] => [
    host,
    [{ transform: { headers: { ...set } } }],
  ]);
  return {
    ...{ allowInternetAccess: true, allowOut: [...policy.allow], denyOut: ['0.0.0.0/0'] },
    ...(rules.length > 0 ? { rules: Object.fromEntries(rules) } : {}),
  };
}
