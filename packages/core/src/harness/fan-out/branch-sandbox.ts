import type { CreateOptions, Provider } from '../../contract/provider.ts';
import type { Sandbox } from '../../contract/sandbox.ts';
import { SandboxError } from '../../errors/sandbox-error.ts';
import { exposedNames } from '../../manifest/manifest-secrets.ts';
import { leaseFresh } from '../lease/lease-fresh.ts';
import type { LeasedSandbox, LeaseTerms } from '../lease/leased-sandbox.ts';
import type { Pool } from '../lease/pool.ts';
import type { Budget } from '../policy/budget.ts';
import type { Policy } from '../policy/policy.ts';
import { recordEgress } from '../run/record-egress.ts';
import { sandboxName } from '../run/recorded-sandbox.ts';
import type { Pass } from '../run/pass.ts';
import type { BranchBase } from '../run/run-state.ts';
import { withoutContents, type WorkspaceSaver } from '../run/workspace-saver.ts';
import type { ForkSource } from './fork-source.ts';
import type { Router } from './route.ts';

/** What a branch's sandbox is made with. */
export interface BranchSandboxOptions {
  readonly pass: Pass;
  readonly scope: string;
  readonly router: Router;
  /** Provider names, best first. */
  readonly order: readonly string[];
  readonly terms: LeaseTerms;
  readonly pool: Pool | undefined;
  readonly policy: Policy;
  readonly budget: Budget;
  readonly base: BranchBase | undefined;
  readonly saver: WorkspaceSaver | undefined;
  /** Makes clones of the sandbox of the run, which is the preferred provider's. */
  readonly forks: ForkSource | undefined;
  readonly preferred: string;
  readonly create: Omit<CreateOptions, 'signal' | 'timeoutMs'>;
  readonly signal: AbortSignal;
}

/** A fresh sandbox of the first provider that gives one, and that provider's name. What the last one said is thrown. */
export async function openBranchSandbox(
  options: BranchSandboxOptions,
): Promise<{ readonly leased: LeasedSandbox; readonly provider: string }> {
  const { order, router, signal, budget } = options;
  let last: unknown;
  for (const name of order) {
    signal.throwIfAborted();
    budget.spend('sandboxes');
    try {
      const leased = await create(options, name);
      router.told(name, true);
      return { leased, provider: name };
    } catch (error) {
      signal.throwIfAborted();
      router.told(name, false);
      // What is wrong with the request is wrong everywhere.
      if (SandboxError.is(error) && error.code === 'invalid-argument') throw error;
      last = moreHopeful(last, error);
    }
  }
  throw last;
}

async function create(options: BranchSandboxOptions, name: string): Promise<LeasedSandbox> {
  const { pass, scope, router, terms, base, saver, signal } = options;
  const forks = name === options.preferred && isWhole(options.create) ? options.forks : undefined;
  const provider = router.provider(name);
  const facts = { provider: provider.id };
  const onLease = async (lease: string): Promise<void> => {
    // The lease itself is on disk: should this not get there, the reaper finds the sandbox all the same.
    pass.log.note({ type: 'sandbox.creating', scope, facts: { ...facts, lease } });
  };
  const leased = await leaseFresh({
    terms,
    pool: options.pool,
    policy: options.policy,
    provider,
    options: { ...options.create, onSecret: pass.log.secrets.learn },
    signal,
    onLease,
    restore: base && restoreOf(base, saver, provider, forks),
  });
  const { ref, receipt, origin } = leased.sandbox;
  const exposed = exposedNames(options.create.manifest);
  pass.log.note({
    type: 'sandbox.created',
    scope,
    sandbox: sandboxName(ref),
    facts: {
      ...{ ...facts, lease: leased.lease, ref: JSON.stringify(ref) },
      ...(origin.by === undefined ? {} : { by: origin.by }),
      ...(exposed.length === 0 ? {} : { exposed }),
    },
    ...(receipt ? { manifest: receipt.planDigest } : {}),
    ...(base ? { snapshot: base.snapshot, after: base.tree } : {}),
  });
  recordEgress(pass.log, leased.sandbox, scope);
  return leased;
}

function restoreOf(
  { snapshot }: BranchBase,
  saver: WorkspaceSaver | undefined,
  provider: Provider,
  forks: ForkSource | undefined,
): (request: CreateOptions) => Promise<Sandbox> {
  return async (request) => {
    const { labels = {}, maxLifetimeMs, signal, onSecret } = request;
    const clone = await forks?.clone({
      labels,
      ...(maxLifetimeMs === undefined ? {} : { maxLifetimeMs }),
      ...(signal ? { signal } : {}),
      ...(onSecret ? { onSecret } : {}),
    });
    if (clone) return clone;
    if (saver) return saver.restore(provider, snapshot, withoutContents(request));
    const message = 'a branch of a snapshot needs a store: give createHarness one';
    throw new SandboxError('failed-precondition', message, { operation: 'run.fanOut' });
  };
}

/** Whether a clone is all that the request asks for: it knows nothing of mounts and outputs of its own. */
function isWhole({ manifest }: BranchSandboxOptions['create']): boolean {
  const outside = ['output', 'hostMount', 's3', 'gcs', 'r2', 'azureBlob'];
  return !Object.values(manifest?.entries ?? {}).some(({ type }) => outside.includes(type));
}

/** Of two errors the one that leaves more hope: a provider that is only full is worth waiting for. */
function moreHopeful(first: unknown, second: unknown): unknown {
  return SandboxError.is(first) && first.code === 'resource-exhausted' ? first : second;
}
