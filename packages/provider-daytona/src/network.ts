import { type NetworkPolicy, SandboxError } from '@gantry/core/driver';

/** A policy in the vendor's terms. Ports in an allow-list are refused: the vendor knows blocks and domains only. */
export function toNetwork(policy: NetworkPolicy): {
  readonly networkBlockAll: boolean;
  readonly networkAllowList?: string;
  readonly domainAllowList?: string;
} {
  if (policy.mode !== 'allow-list') return { networkBlockAll: policy.mode === 'none' };
  const withPort = policy.allow.find((target) => /[^:]:\d+$/.test(target));
  if (withPort !== undefined) {
    const message = `Daytona cannot limit a network to a port: ${withPort}`;
    throw new SandboxError('unsupported', message, { details: { capability: 'network' } });
  }
  const blocks = policy.allow.filter(isBlock);
  const domains = policy.allow.filter((target) => !isBlock(target));
  return {
    networkBlockAll: policy.allow.length === 0,
    ...(blocks.length > 0 ? { networkAllowList: blocks.map(withLength).join(',') } : {}),
    ...(domains.length > 0 ? { domainAllowList: domains.join(',') } : {}),
  };
}

function isBlock(target: string): boolean {
  return /^[\d.]+(?:\/\d+)?$/.test(target) || /^[0-9a-f:]*:[0-9a-f:]*(?:\/\d+)?$/i.test(target);
}

/** The vendor takes blocks only: one address is a block of its own. */
function withLength(block: string): string {
  if (block.includes('/')) return block;
  return `${block}/${block.includes(':') ? 128 : 32}`;
}
