import { parseRef } from '../../contract/sandbox-ref.ts';
import { SandboxError } from '../../errors/sandbox-error.ts';
import { leaseLabels } from '../lease/leased-sandbox.ts';
import type { OpenRun } from './open-run.ts';
import { persist } from './persist.ts';
import { runScope, type OpenSandbox } from './run-state.ts';

/**
 * Destroys a sandbox that an earlier process left, or was making, and gives up its lease. Nobody can reach it afterwards:
 * a process that was only asleep finds it gone.
 */
export async function destroyOpenSandbox(
  open: OpenRun,
  scope: string,
  left: OpenSandbox,
  reason: string,
): Promise<void> {
  const { leases, owner, ttlMs } = open.settings.workspaceOptions.terms;
  const provider = Object.values(open.settings.providers).find(({ id }) => id === left.provider);
  if (!provider) {
    throw new SandboxError(
      'failed-precondition',
      `run ${open.settings.run} has a sandbox at provider ${left.provider}, which this harness does not have; add it`,
      { operation: 'run' },
    );
  }
  const lease = await persist('leases.find', () => leases.find(left.lease));
  const fenced = lease && (await leases.fence(left.lease, { owner, ttlMs, over: lease.epoch }));
  const ref = left.ref ?? lease?.ref;
  if (ref !== undefined) await persist('sandbox.destroy', () => provider.destroy(parseRef(ref)));
  else if (provider.capabilities.inventory) {
    const labels = { [leaseLabels.lease]: left.lease };
    for await (const found of provider.list({ labels })) {
      await persist('sandbox.destroy', () => provider.destroy(found.ref));
    }
  }
  // Without a ref and an inventory nobody can find it: it ends with its lifetime, and the reaper keeps its lease till then.
  const gone = ref !== undefined || provider.capabilities.inventory !== undefined;
  if (fenced && gone) await leases.release(left.lease, fenced.epoch);
  await open.settings.log.commit({
    type: 'sandbox.destroyed',
    ...(scope === runScope ? {} : { scope }),
    facts: { reason, lease: left.lease },
  });
}
