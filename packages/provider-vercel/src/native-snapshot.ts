import {
  type CreateRequest,
  type NativeSnapshotRef,
  type SandboxDriver,
  SandboxError,
} from '@gantry/core/driver';
import { brokering } from '@gantry/core/node';
import { Snapshot } from '@vercel/sandbox';
import { explained } from './absence.ts';
import { unlessMissing } from './errors.ts';
import type { VercelHandle } from './handle.ts';
import type { VendorAccess } from './options.ts';

type NativeSnapshot = NonNullable<SandboxDriver<VercelHandle>['nativeSnapshot']>;

/** The vendor's snapshots of a sandbox, its disk: taking one stops the sandbox. They are kept until they are removed. */
export function nativeSnapshot(
  access: VendorAccess,
  create: (
    request: CreateRequest & brokering.SecretTerms,
    snapshotId: string,
  ) => Promise<VercelHandle>,
): NativeSnapshot {
  return {
    kinds: [{ scope: 'filesystem', sourceSurvives: false }],
    async take(handle, scope) {
      try {
        const { snapshotId: id } = await handle.sandbox
          .currentSession()
          .snapshot({ expiration: 0 });
        return { spec: 'gantry-native-snapshot/1', provider: 'vercel', id, scope };
      } catch (error) {
        throw await explained(error, handle, access);
      }
    },
    async create(snapshot, request, call) {
      try {
        return await create(brokering.withListener(request, call), snapshot.id);
      } catch (error) {
        throw SandboxError.is(error) && error.code === 'not-found' ? gone(snapshot, error) : error;
      }
    },
    async remove({ id }) {
      await unlessMissing(async () => (await Snapshot.get({ ...access, snapshotId: id })).delete());
    },
  };
}

function gone({ id }: NativeSnapshotRef, cause: SandboxError): SandboxError {
  const message = `there is no native snapshot ${id}`;
  return new SandboxError('not-found', message, { cause, details: { reason: 'gone' } });
}
