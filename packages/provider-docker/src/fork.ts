import type { CreateRequest, DriverCapabilities } from '@gantry/core/driver';
import { removeUnusedImage } from './containers.ts';
import { createContainer, type Workshop } from './create-container.ts';
import type { DockerHandle } from './docker-handle.ts';
import { imageOf } from './native-snapshot.ts';

/** Forks at a time: more only wait for one another in the daemon. */
const atOnce = 4;

/** Clones of the file system: one image, and a container of it for each. The last of them takes the image along. */
export function fork(workshop: Workshop): NonNullable<DriverCapabilities<DockerHandle>['fork']> {
  return {
    maxPerCall: 256,
    from: 'live',
    async fork(handle, requests, call) {
      const image = await imageOf(workshop, handle, 'fork', undefined, call.signal);
      const like = await likeSource(handle);
      const results = await inTurns(requests, (request) =>
        createContainer(workshop, { ...request, ...like(request) }, call, {
          image,
          forkImage: image,
        }),
      );
      if (!results.some(({ status }) => status === 'fulfilled')) {
        await removeUnusedImage(workshop.daemon, image);
      }
      return results;
    },
  };
}

/** What a clone has of its source unless its request says otherwise. */
async function likeSource(
  handle: DockerHandle,
): Promise<(request: CreateRequest) => Partial<CreateRequest>> {
  const { HostConfig, Config } = await handle.container.inspect();
  const env = Object.fromEntries(
    (Config.Env ?? []).map((entry) => {
      const end = entry.indexOf('=');
      return [entry.slice(0, end), entry.slice(end + 1)] as const;
    }),
  );
  const { Memory, PidsLimit, NanoCpus, NetworkMode } = HostConfig;
  const added: unknown = HostConfig.CapAdd;
  return (request) => ({
    env: { ...env, ...request.env },
    root: handle.root,
    user: handle.owner,
    privilege: Array.isArray(added) && added.length > 0 ? 'guest-root' : 'none',
    network: { mode: NetworkMode === 'none' ? 'none' : 'open' },
    resources: {
      ...(Memory ? { memoryBytes: Memory } : {}),
      ...(PidsLimit ? { pids: PidsLimit } : {}),
      ...(NanoCpus ? { cpus: NanoCpus / 1e9 } : {}),
    },
  });
}

async function inTurns(
  requests: readonly CreateRequest[],
  make: (request: CreateRequest) => Promise<DockerHandle>,
): Promise<PromiseSettledResult<DockerHandle>[]> {
  const results: PromiseSettledResult<DockerHandle>[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    for (let index = next++; index < requests.length; index = next++) {
      const request = requests[index];
      if (request) [results[index]] = await Promise.allSettled([make(request)]);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return results;
}
