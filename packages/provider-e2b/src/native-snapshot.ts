import { brokering } from '@gantry/core/node';
import { type NativeSnapshotRef, type SandboxDriver, SandboxError } from '@gantry/core/driver';
import type { E2B } from 'e2b';
import { withVendor } from './errors.ts';
import type { E2bHandle } from './handle.ts';

type NativeSnapshot = NonNullable<SandboxDriver<E2bHandle>['nativeSnapshot']>;

/** The vendor's snapshots: disk and memory, of a sandbox that goes on. `create` makes one of a template's id. */
export function nativeSnapshot(
  client: E2B,
  create: (
    template: string,
    request: Parameters<NativeSnapshot['create']>[1] & brokering.SecretTerms,
  ) => Promise<E2bHandle>,
): NativeSnapshot {
  return {
    kinds: [{ scope: 'filesystem+memory', sourceSurvives: true }],
    async take({ sandbox }, scope) {
      const { snapshotId: id } = await withVendor(() => sandbox.createSnapshot());
      return { spec: 'gantry-native-snapshot/1', provider: 'e2b', id, scope };
    },
    async create(snapshot, request, call) {
      try {
        return await create(snapshot.id, brokering.withListener(request, call));
      } catch (error) {
        throw SandboxError.is(error) && error.code === 'not-found' ? gone(snapshot, error) : error;
      }
    },
    async remove({ id }) {
      await withVendor(() => client.Sandbox.deleteSnapshot(id));
    },
  };
}

function gone({ id }: NativeSnapshotRef, cause: SandboxError): SandboxError {
  const message = `there is no native snapshot ${id}`;
  return new SandboxError('not-found', message, { cause, details: { reason: 'gone' } });
}
