import { randomUUID } from 'node:crypto';
import {
  type CreateRequest,
  type NativeSnapshotRef,
  type SandboxDriver,
  SandboxError,
} from '@gantry/core/driver';
import { unlessMissing, withVendor } from './errors.ts';
import type { DaytonaHandle } from './handle.ts';
import type { Daytona } from './sdk.ts';

type NativeSnapshot = NonNullable<SandboxDriver<DaytonaHandle>['nativeSnapshot']>;

/** The vendor's snapshots of a sandbox: its disk. `create` makes a sandbox of one by its name. */
export function nativeSnapshot(
  client: () => Promise<Daytona>,
  create: (name: string, request: CreateRequest) => Promise<DaytonaHandle>,
): NativeSnapshot {
  const remove = async (id: string): Promise<void> => {
    const { snapshot } = await client();
    await unlessMissing(async () => snapshot.delete(await snapshot.get(id)));
  };
  return {
    kinds: [{ scope: 'filesystem', sourceSurvives: true }],
    async take({ sandbox }, scope) {
      const id = `gantry-${randomUUID()}`;
      try {
        await withVendor(() => sandbox.createSnapshot(id, 0));
      } catch (error) {
        // It may have been made although nobody was told; then nobody else would delete it.
        await remove(id).catch(() => undefined);
        throw error;
      }
      return { spec: 'gantry-native-snapshot/1', provider: 'daytona', id, scope };
    },
    async create(snapshot, request) {
      try {
        return await create(snapshot.id, request);
      } catch (error) {
        throw SandboxError.is(error) && error.code === 'not-found' ? gone(snapshot, error) : error;
      }
    },
    remove: ({ id }) => remove(id),
  };
}

function gone({ id }: NativeSnapshotRef, cause: SandboxError): SandboxError {
  const message = `there is no native snapshot ${id}`;
  return new SandboxError('not-found', message, { cause, details: { reason: 'gone' } });
}
