import { type NetworkPolicy, SandboxError } from '@gantry/core/driver';

/** A policy in the vendor's terms. Ports in an allow-list are refused: the vendor knows hosts only. */
export function toNetwork(policy: NetworkPolicy): {
  readonly allowInternetAccess: boolean;
  readonly allowOut?: string[];
  readonly denyOut?: string[];
} {
  if (policy.mode !== 'allow-list') return { allowInternetAccess: policy.mode === 'open' };
  const withPort = policy.allow.find((target) => /:\d+$/.test(target));
  if (withPort !== undefined) {
    const message = `E2B cannot limit a network to a port: ${withPort}`;
    throw new SandboxError('unsupported', message, { details: { capability: 'network' } });
  }
  return { allowInternetAccess: true, allowOut: [...policy.allow], denyOut: ['0.0.0.0/0'] };
}
