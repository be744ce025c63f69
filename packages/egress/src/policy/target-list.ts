import type { BlockList } from 'node:net';
import { SandboxError } from '@gantry/core';
import { brokering } from '@gantry/core/node';
import type { Host } from './host-name.ts';
import { blockList, type IpAddress, namesSpecial } from './ip-address.ts';

/** One item of an allow-list, ready to be compared. */
export interface Target {
  /** As it is written in the policy. */
  readonly rule: string;
  /** Whether the item names special addresses as such. */
  readonly namesSpecial: boolean;
  matches(host: Host, port: number): boolean;
  /** Whether a block of addresses has this one; never for names. */
  covers(address: IpAddress, port: number): boolean;
}

/** Reads an item. `namePorts` are the ports that a name without one stands for. Throws `invalid-argument`. */
export function readTarget(rule: string, namePorts: readonly number[], what: string): Target {
  const problem = brokering.networkRuleProblem(rule);
  if (problem !== undefined) {
    throw new SandboxError('invalid-argument', `${what}: ${rule}: ${problem}`, {
      operation: 'egress',
    });
  }
  const target = brokering.parseTarget(rule);
  if ('name' in target) {
    const ports = target.port === undefined ? namePorts : [target.port];
    const suffix = `.${target.name}`;
    const named = target.subdomains
      ? (text: string) => text.endsWith(suffix)
      : (text: string) => text === target.name;
    return {
      rule,
      namesSpecial: false,
      matches: (host, port) =>
        host.address === undefined && ports.includes(port) && named(host.text),
      covers: () => false,
    };
  }
  const block: BlockList = blockList([target]);
  const covers = (address: IpAddress, port: number): boolean =>
    (target.port === undefined || target.port === port) &&
    block.check(address.text, address.family);
  return {
    rule,
    namesSpecial: namesSpecial(target),
    matches: (host, port) => host.address !== undefined && covers(host.address, port),
    covers,
  };
}
