import { type CreateRequest, type SandboxDriver, SandboxError } from '@gantry/core/driver';
import type { brokering } from '@gantry/core/node';
import { Sandbox, type Snapshot } from '@vercel/sandbox';
import { explained } from './absence.ts';
import { commonParams, orNothing } from './create.ts';
import { unlessMissing, withVendor } from './errors.ts';
import type { VercelHandle } from './handle.ts';
import type { ResolvedOptions } from './options.ts';

type Fork = NonNullable<SandboxDriver<VercelHandle>['fork']>;

/**
 * The vendor forks from the last snapshot, and taking one stops the source. So the source is snapshotted, woken again in a session
 * of its own, and then forked; refused while commands of this client run in it, since they would end.
 */
export function forkBySnapshot(
  options: ResolvedOptions,
  handleOf: (sandbox: Sandbox) => VercelHandle,
  network: brokering.VendorNetwork<VercelHandle>,
): Fork {
  const { access } = options;
  return {
    ...{ maxPerCall: 16, from: 'last-snapshot' },
    async fork(handle, requests) {
      const { ref, followed } = handle;
      if (followed.size > 0) {
        const message = `a fork at Vercel stops its source for a moment, which would end ${followed.size} running commands: end them, or fork by way of a store`;
        throw new SandboxError('failed-precondition', message, { ref });
      }
      let snapshot: Snapshot;
      try {
        snapshot = await handle.sandbox.currentSession().snapshot({ expiration: 0 });
      } catch (error) {
        throw await explained(error, handle, access);
      }
      try {
        handle.sandbox = await withVendor(() =>
          Sandbox.get({ ...access, name: ref.id, resume: true }),
        );
        return await Promise.allSettled(
          requests.map(async (request) => {
            const clone = handleOf(await forkOne(options, ref.id, request));
            network.copy(ref, clone.ref);
            return clone;
          }),
        );
      } finally {
        await unlessMissing(() => snapshot.delete());
      }
    },
  };
}

/** Environment and everything else that is not said are the source's. */
function forkOne(
  options: ResolvedOptions,
  sourceSandbox: string,
  request: CreateRequest,
): Promise<Sandbox> {
  const { networkPolicy: _policy, ...params } = commonParams(options, request);
  return orNothing(options.access, request.id, () => Sandbox.fork({ ...params, sourceSandbox }));
}
