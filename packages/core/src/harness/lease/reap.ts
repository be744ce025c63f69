import type { Provider } from '../../contract/provider.ts';
import type { SandboxSummary } from '../../contract/sandbox-driver.ts';
import { parseRef } from '../../contract/sandbox-ref.ts';
import { SandboxError } from '../../errors/sandbox-error.ts';
import type { ReapReport } from '../harness-types.ts';
import type { Lease, LeaseStore } from './lease-store.ts';
import { leaseLabels } from './leased-sandbox.ts';
import { isOwnerGone } from './owner.ts';

/** What a reaper works with. */
export interface ReapOptions {
  readonly leases: LeaseStore;
  readonly providers: readonly Provider[];
  readonly owner: string;
  readonly ttlMs: number;
  readonly now: () => number;
}

/**
 * Destroys every sandbox of this store whose lease has run out, or is gone, or whose owner is. A lease is fenced before its
 * sandbox is touched: an owner that wakes up later is told. Sandboxes of other stores go only past their maximum lifetime.
 */
export async function reap(options: ReapOptions): Promise<ReapReport> {
  const report = new Report();
  for (const provider of options.providers) await reapProvider(provider, options, report);
  // Who does not have a lease's provider cannot tell what became of its sandbox.
  const known = new Set(options.providers.map(({ id }) => id));
  for await (const { provider } of options.leases.list())
    if (!known.has(provider)) report.kept += 1;
  return report;
}

class Report implements ReapReport {
  readonly destroyed: string[] = [];
  readonly failed: { what: string; error: unknown }[] = [];
  released = 0;
  kept = 0;
}

async function reapProvider(
  provider: Provider,
  options: ReapOptions,
  report: Report,
): Promise<void> {
  const { leases } = options;
  const known = new Map<string, Lease & { readonly expired: boolean }>();
  for await (const lease of leases.list()) {
    if (lease.provider === provider.id) known.set(lease.id, lease);
  }
  const seen = new Set<string>();
  if (provider.capabilities.inventory) {
    const found = await listed(provider, report);
    if (!found) return;
    for (const sandbox of found) {
      const id = sandbox.labels[leaseLabels.lease];
      if (id === undefined) continue;
      seen.add(id);
      await reapSandbox(provider, sandbox, id, options, report);
    }
  }
  // Leases whose sandbox no inventory names: it was never made, is gone, or the provider cannot tell.
  for (const lease of known.values()) {
    if (!seen.has(lease.id) && isOrphan(lease)) await reapLease(provider, lease, options, report);
  }
}

async function listed(
  provider: Provider,
  report: Report,
): Promise<readonly SandboxSummary[] | undefined> {
  try {
    const all: SandboxSummary[] = [];
    for await (const sandbox of provider.list({ labels: {} })) all.push(sandbox);
    return all;
  } catch (error) {
    report.failed.push({ what: `the inventory of ${provider.id}`, error });
    return undefined;
  }
}

function isOrphan(lease: Lease & { readonly expired: boolean }): boolean {
  return lease.expired || isOwnerGone(lease.owner);
}

async function reapSandbox(
  provider: Provider,
  sandbox: SandboxSummary,
  id: string,
  options: ReapOptions,
  report: Report,
): Promise<void> {
  const { leases, now } = options;
  const ours = sandbox.labels[leaseLabels.store] === leases.id;
  if (!ours) {
    // One that was extended says so itself.
    const until = Math.max(Number(sandbox.labels[leaseLabels.until]), sandbox.expiresAt ?? 0);
    if (!(until < now())) report.kept += 1;
    else await destroy(provider, sandbox.ref, report);
    return;
  }
  // Looked up again, after the inventory: a lease is written before its sandbox is made, so none means that it was given up.
  const lease = await leases.find(id);
  if (!lease) {
    await destroy(provider, sandbox.ref, report);
    return;
  }
  await reapLease(provider, lease, options, report, sandbox.ref);
}

async function reapLease(
  provider: Provider,
  lease: Lease,
  { leases, owner, ttlMs }: ReapOptions,
  report: Report,
  ref: SandboxSummary['ref'] | undefined = lease.ref === undefined
    ? undefined
    : parseRef(lease.ref),
): Promise<void> {
  let fenced;
  try {
    const over = isOwnerGone(lease.owner) ? { over: lease.epoch } : {};
    fenced = await leases.fence(lease.id, { owner, ttlMs, ...over });
  } catch (error) {
    const code = SandboxError.is(error) ? error.code : undefined;
    if (code === 'failed-precondition') report.kept += 1;
    else if (code !== 'not-found') report.failed.push({ what: `lease ${lease.id}`, error });
    return;
  }
  if (ref && !(await destroy(provider, ref, report))) return;
  await leases.release(lease.id, fenced.epoch);
  report.released += 1;
}

async function destroy(
  provider: Provider,
  ref: SandboxSummary['ref'],
  report: Report,
): Promise<boolean> {
  const what = `${ref.provider}/${ref.id}`;
  try {
    await provider.destroy(ref);
    report.destroyed.push(what);
    return true;
  } catch (error) {
    report.failed.push({ what, error });
    return false;
  }
}
