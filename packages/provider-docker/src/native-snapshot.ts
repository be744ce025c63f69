import { randomUUID } from 'node:crypto';
import {
  SandboxError,
  type Call,
  type CreateRequest,
  type DriverCapabilities,
  type NativeSnapshotRef,
} from '@gantry/core/driver';
import { createContainer, type Workshop } from './create-container.ts';
import type { DockerHandle } from './docker-handle.ts';
import { dockerError, statusOf } from './errors.ts';
import { findImage } from './image.ts';
import { ownLabels } from './labels.ts';
import { commit, commitWith } from './prepared-image.ts';

const repository = 'gantry-snapshot';

/**
 * An image with the sandbox's file system as it is now. A copy-on-write root is committed; of a read-only one
 * the workspace is all that can have changed, so it becomes a layer on the image underneath.
 */
export async function imageOf(
  { daemon }: Workshop,
  handle: DockerHandle,
  kind: 'snapshot' | 'fork',
  tag: string | undefined,
  signal: AbortSignal,
): Promise<string> {
  const { base, owner, container } = handle;
  const labels = { [ownLabels.kind]: kind, [ownLabels.base]: base, [ownLabels.owner]: owner };
  const options = { ...(tag === undefined ? {} : { repo: repository, tag }), labels, signal };
  try {
    if (handle.root === 'copy-on-write') return await commit(container, options);
    const tar = await container.getArchive({ path: '/workspace', abortSignal: signal });
    return await commitWith(daemon, base, tar, options);
  } catch (error) {
    signal.throwIfAborted();
    throw dockerError(error, `taking a snapshot of sandbox ${handle.ref.id}`);
  }
}

/** Snapshots as images of the daemon, kept until they are removed. `/tmp`, processes and memory are not in them. */
export function nativeSnapshot(
  workshop: Workshop,
): NonNullable<DriverCapabilities<DockerHandle>['nativeSnapshot']> {
  return {
    kinds: [{ scope: 'filesystem', sourceSurvives: true }],
    async take(handle: DockerHandle, scope: NativeSnapshotRef['scope'], call: Call) {
      const id = randomUUID();
      await imageOf(workshop, handle, 'snapshot', id, call.signal);
      return { spec: 'gantry-native-snapshot/1', provider: 'docker', id, scope };
    },
    async create(snapshot: NativeSnapshotRef, request: CreateRequest, call: Call) {
      if (request.image !== undefined) {
        const message =
          'a sandbox of a native snapshot has that snapshot as its image; name no other';
        throw new SandboxError('unsupported', message, { details: { capability: 'images' } });
      }
      const name = imageName(snapshot);
      const image = await findImage(workshop.daemon, name, call.signal);
      if (image?.labels[ownLabels.kind] !== 'snapshot') {
        throw new SandboxError('not-found', `there is no native snapshot ${snapshot.id}`, {
          details: { reason: 'gone' },
        });
      }
      return createContainer(workshop, request, call, { image: name });
    },
    async remove(snapshot: NativeSnapshotRef, call: Call) {
      const image = await findImage(workshop.daemon, imageName(snapshot), call.signal);
      if (image?.labels[ownLabels.kind] !== 'snapshot') return;
      // Containers made of it keep its layers for as long as they live, but the name goes.
      await untag(workshop.daemon, imageName(snapshot));
    },
  };
}

async function untag(daemon: Workshop['daemon'], name: string): Promise<void> {
  try {
    await daemon.getImage(name).remove({ force: true });
  } catch (error) {
    if (statusOf(error) !== 404) throw dockerError(error, `removing image ${name}`);
  }
}

function imageName({ id }: NativeSnapshotRef): string {
  if (/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id)) return `${repository}:${id}`;
  throw new SandboxError('invalid-argument', `${JSON.stringify(id)} is no id of a native snapshot`);
}
