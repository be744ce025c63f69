import { SandboxError, type NetworkPolicy, type RequestRule } from '@gantry/core';
import { brokering } from '@gantry/core/node';
import type { Host } from './host-name.ts';
import { type IpAddress, isSpecial } from './ip-address.ts';
import { pathMatcher, readPath } from './request-path.ts';
import { readTarget, type Target } from './target-list.ts';

/** What a policy says, and by which of its rules. */
export interface Verdict {
  readonly allowed: boolean;
  /** The rule as it is written, or the reason of a refusal. */
  readonly rule: string;
  /** The request could mean two things: it is malformed rather than forbidden. */
  readonly ambiguous?: boolean;
}

interface RequestTarget extends Target {
  readonly methods: ReadonlySet<string> | undefined;
  readonly path: ((path: { sent: string; read: string }) => boolean) | undefined;
}

/** Ports that a name without a port stands for. */
const webPorts: readonly number[] = [80, 443];

/** Methods that make a host repeat what it was sent, or that are no request to a host. */
const refusedMethods: ReadonlySet<string> = new Set(['TRACE', 'TRACK', 'CONNECT']);

/** A policy, ready to be asked. It knows nothing of connections: every question has all it needs. */
export class CompiledPolicy {
  readonly #mode: NetworkPolicy['mode'];
  readonly #allow: readonly Target[];
  readonly #requests: readonly RequestTarget[];

  /** Throws `invalid-argument` for a policy that no provider takes. */
  constructor(policy: NetworkPolicy) {
    this.#mode = policy.mode;
    const { allow = [], requests = [] } = policy.mode === 'allow-list' ? policy : {};
    this.#allow = allow.map((rule) => readTarget(rule, webPorts, 'network policy'));
    this.#requests = requests.map(readRequestRule);
  }

  /** Whether a host may be spoken to at all. */
  host(host: Host, port: number): Verdict {
    if (this.#mode === 'none') return { allowed: false, rule: 'network-none' };
    const rule = this.#ruleFor(host, port);
    if (rule === undefined) return { allowed: false, rule: 'not-listed' };
    const { address } = host;
    if (address !== undefined && !this.address(host, address, port))
      return { allowed: false, rule: 'address-denied' };
    return { allowed: true, rule };
  }

  /** Whether a host takes some requests only, so that what is sent to it must be read. */
  limitsRequests(host: Host, port: number): boolean {
    return this.#requests.some((target) => target.matches(host, port));
  }

  /** Whether a request may be sent. `path` is as it was sent, without its query. */
  request(host: Host, port: number, method: string, path: string): Verdict {
    if (refusedMethods.has(method)) return { allowed: false, rule: `method-${method}` };
    const whole = this.host(host, port);
    if (!whole.allowed) return whole;
    const rules = this.#requests.filter((target) => target.matches(host, port));
    if (rules.length === 0) return whole;
    const read = readPath(path);
    if (read === undefined) return { allowed: false, rule: 'ambiguous-path', ambiguous: true };
    const rule = rules.find(
      (target) =>
        (target.methods?.has(method) ?? true) && (target.path === undefined || target.path(read)),
    );
    if (rule === undefined) return { allowed: false, rule: 'request-not-listed' };
    return { allowed: true, rule: `requests ${rule.rule}` };
  }

  /** Whether a host may be reached at this address, which it resolved to or is. */
  address(host: Host, address: IpAddress, port: number): boolean {
    if (!isSpecial(address)) return true;
    const loopback = address.text === '127.0.0.1' || address.text === '::1';
    if (loopback && host.text === 'localhost' && this.#mode === 'allow-list')
      return this.#ruleFor(host, port) !== undefined;
    return this.#targets().some((target) => target.namesSpecial && target.covers(address, port));
  }

  #ruleFor(host: Host, port: number): string | undefined {
    if (this.#mode === 'open') return 'open';
    return this.#targets().find((target) => target.matches(host, port))?.rule;
  }

  #targets(): readonly Target[] {
    return [...this.#requests, ...this.#allow];
  }
}

function readRequestRule(rule: RequestRule): RequestTarget {
  const problem = brokering.requestRuleProblem(rule);
  if (problem !== undefined) {
    throw new SandboxError('invalid-argument', `network policy: ${rule.host}: ${problem}`, {
      operation: 'egress',
    });
  }
  return {
    ...readTarget(rule.host, webPorts, 'network policy'),
    methods: rule.methods === undefined ? undefined : new Set(rule.methods),
    path: rule.paths === undefined ? undefined : pathMatcher(rule.paths),
  };
}
