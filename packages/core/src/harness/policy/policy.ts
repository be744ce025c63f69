import { createHash } from 'node:crypto';
import type { NetworkPolicy } from '../../contract/network.ts';
import { SandboxError } from '../../errors/sandbox-error.ts';
import type { Ask } from '../run/run-types.ts';

/** One rule. `*` in a pattern matches any text; the pattern must match the whole subject. */
export interface PolicyRule {
  readonly action: 'allow' | 'ask' | 'deny';
  /** Matched against the shell line, or the arguments joined by single spaces. */
  readonly command?: string;
  /** Matched against the path that is written, moved or removed, as an absolute path. */
  readonly path?: string;
  /** Matched against each host that a network policy allows; `*` stands for an open network. */
  readonly host?: string;
  /** Matched against the name of a tool that a step calls, a space, and its input as JSON: `mail__send *`. */
  readonly tool?: string;
}

/** What a run may do in its sandboxes. The first rule that matches decides. */
export interface Policy {
  readonly rules?: readonly PolicyRule[];
  /** What holds for commands, paths and hosts where no rule matches. Default `allow`. Tools that no rule is about are allowed. */
  readonly otherwise?: PolicyRule['action'];
  readonly budgets?: Budgets;
}

/** How much a run may use in all, this process's part of it. More is `resource-exhausted` with `details.reason: 'budget'`. */
export interface Budgets {
  /** Sandboxes made, those of branches and of recoveries included. */
  readonly sandboxes?: number;
  readonly commands?: number;
  /** Seconds since this process began or resumed the run. */
  readonly seconds?: number;
}

/** What is to be decided. */
export type Subject = Pick<Ask, 'kind' | 'subject'>;

/** What the policy says to a subject. */
export function decide(policy: Policy, { kind, subject }: Subject): PolicyRule['action'] {
  const rule = policy.rules?.find((each) => {
    const pattern = each[kind];
    return pattern !== undefined && matches(pattern, subject);
  });
  if (rule) return rule.action;
  // What a tool does in a sandbox is asked for as a command or path.
  return kind === 'tool' ? 'allow' : (policy.otherwise ?? 'allow');
}

/** Refuses rules that could never match, or that match by accident. */
export function checkPolicy(policy: Policy): void {
  for (const rule of policy.rules ?? []) {
    const given = (['command', 'path', 'host', 'tool'] as const).filter(
      (kind) => rule[kind] !== undefined,
    );
    if (given.length === 1) continue;
    const message = `policy: a rule must have one of command, path, host and tool: ${JSON.stringify(rule)}`;
    throw new SandboxError('invalid-argument', message, { operation: 'createHarness' });
  }
}

/** Refuses a network that the policy does not allow, before a sandbox is made. `ask` is a refusal here: nothing could be undone. */
export function checkNetwork(policy: Policy, network: NetworkPolicy | undefined): void {
  if (!network || network.mode === 'none') return;
  const requested = network.mode === 'open' ? [] : (network.requests ?? []);
  const hosts =
    network.mode === 'open' ? ['*'] : [...network.allow, ...requested.map(({ host }) => host)];
  for (const subject of hosts) {
    const action = decide(policy, { kind: 'host', subject });
    if (action === 'allow') continue;
    throw new SandboxError(
      'permission-denied',
      `the policy does not allow a sandbox with host ${JSON.stringify(subject)}; change the manifest's network or the policy`,
      { operation: 'policy', details: { reason: 'policy', kind: 'host' } },
    );
  }
}

/** The same for the same question in the same step, however often the step is tried: so that an answer is found again. */
export function askId(run: string, place: string, { kind, subject }: Subject): string {
  const text = JSON.stringify([run, place, kind, subject]);
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

function matches(pattern: string, subject: string): boolean {
  const parts = pattern.split('*').map((part) => part.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&'));
  return new RegExp(`^${parts.join('[^]*')}$`, 'u').test(subject);
}
