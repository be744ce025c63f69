import { type Call, SandboxError, type CreateRequest } from '@gantry/core/driver';
import type Dockerode from 'dockerode';
import { containerSpec } from './container-spec.ts';
import { removeContainer } from './containers.ts';
import type { DaemonAddress } from './daemon-address.ts';
import type { DockerHandle } from './docker-handle.ts';
import type { DockerOptions } from './docker-options.ts';
import { tarEntry, tarOf } from './small-tar.ts';
import { dockerError, wordsOf } from './errors.ts';
import { ensureImage, type KnownImage } from './image.ts';
import { ownerOf } from './image-user.ts';
import type { Keeper } from './keeper.ts';
import { mountParents } from './mount-parents.ts';
import { openHandle } from './open-handle.ts';
import { ensureOpenNetwork, openNetwork } from './open-network.ts';
import { prepareImage, type PreparedImage } from './prepared-image.ts';

/** Image of sandboxes that name none. */
const defaultImage = 'debian:bookworm-slim';

/** What the making of all sandboxes of one provider shares. */
export interface Workshop {
  readonly daemon: Dockerode;
  readonly address: DaemonAddress;
  readonly options: DockerOptions;
  readonly architecture: () => Promise<'x64' | 'arm64'>;
  /** Ends what cannot end by itself. */
  readonly keeper: Keeper;
  /** Preparations under way or done, so that many creates at once prepare an image once. */
  readonly prepared: Map<string, Promise<PreparedImage>>;
}

/** A new container of the request's image, or of `from`, running. On rejection nothing of it is left. */
export async function createContainer(
  workshop: Workshop,
  request: CreateRequest,
  call: Call,
  from?: { readonly image: string; readonly forkImage?: string },
): Promise<DockerHandle> {
  const { daemon, address, options } = workshop;
  const { signal } = call;
  refuseImpossible(request, address);
  const name = from?.image ?? request.image ?? options.image ?? defaultImage;
  const image = await ensureImage(daemon, name, options.onPull, call);
  const owner = await ownerOf(daemon, image.id, request, signal);
  const architecture = await workshop.architecture();
  const prepared = await prepareOnce(workshop, image, owner, architecture);
  const spec = containerSpec(request, {
    image: prepared.id,
    base: prepared.base,
    hasShell: prepared.hasShell,
    owner,
    architecture,
    runtime: options.runtime,
    forkImage: from?.forkImage,
  });
  signal.throwIfAborted();
  if (spec.HostConfig?.NetworkMode === openNetwork) await ensureOpenNetwork(daemon, signal);
  // Not told of the abort: a request that is cut off may still make the container.
  const container = await make(daemon, spec, name);
  try {
    signal.throwIfAborted();
    const parents = mountParents(request.mounts ?? []);
    if (parents.length > 0) {
      const tar = tarOf(parents.map((parent) => tarEntry(`${parent}/`, owner)));
      await container.putArchive(tar, { path: '/workspace' });
    }
    await container.start();
    // Its guest may stop any process in it, the one that counts the time included.
    if (request.privilege === 'guest-root') {
      await workshop.keeper.keep(container.id, Date.now() + request.maxLifetimeMs);
    }
    signal.throwIfAborted();
  } catch (error) {
    await removeContainer(container);
    signal.throwIfAborted();
    throw startError(error, name);
  }
  const ref = { spec: 'gantry-ref/1', provider: 'docker', id: request.id } as const;
  const networkMode = spec.HostConfig?.NetworkMode;
  return openHandle(ref, { container, labels: spec.Labels ?? {}, networkMode });
}

async function make(
  daemon: Dockerode,
  spec: Dockerode.ContainerCreateOptions,
  image: string,
): Promise<Dockerode.Container> {
  try {
    return await daemon.createContainer(spec);
  } catch (error) {
    throw dockerError(error, `making a sandbox of image ${image}`);
  }
}

async function prepareOnce(
  workshop: Workshop,
  image: KnownImage,
  owner: string,
  architecture: 'x64' | 'arm64',
): Promise<PreparedImage> {
  const key = `${image.id} ${owner}`;
  const { daemon, prepared } = workshop;
  const known = await prepared.get(key)?.catch(() => undefined);
  // It may have been removed since, by hand or by a prune.
  if (known && (await isThere(daemon, known.id))) return known;
  // Shared with other creates, so not one's own to abort.
  const { signal } = new AbortController();
  const fresh = prepareImage(daemon, image, { owner, architecture, signal });
  prepared.set(key, fresh);
  return fresh;
}

async function isThere(daemon: Dockerode, id: string): Promise<boolean> {
  return daemon
    .getImage(id)
    .inspect()
    .then(
      () => true,
      () => false, // Whatever it is, preparing the image again says it.
    );
}

function startError(error: unknown, image: string): SandboxError {
  const said = wordsOf(error);
  if (/"?\/bin\/sh"?.*no such file|exec format error/i.test(said)) {
    const message = `image ${image} cannot be a sandbox: it needs a /bin/sh that runs on the daemon's machine (${said})`;
    return new SandboxError('failed-precondition', message, {
      cause: error,
      details: { reason: 'no-shell' },
    });
  }
  return dockerError(error, `starting a sandbox of image ${image}`);
}

function refuseImpossible(request: CreateRequest, address: DaemonAddress): void {
  const refuse = (what: string, capability: string): never => {
    throw new SandboxError('unsupported', what, { details: { capability } });
  };
  if (request.network.mode === 'allow-list') {
    refuse(
      'docker has the network modes none and open; an allow-list is not among them',
      'network',
    );
  }
  if (request.resources?.diskBytes !== undefined) {
    refuse('the daemon cannot limit the disk of a container', 'resources');
  }
  if (mountParents(request.mounts ?? []).some((parent) => Buffer.byteLength(parent) > 98)) {
    refuse(
      'the directory of a mount has a path of more than 98 bytes below the workspace',
      'mounts',
    );
  }
  if ((request.ports ?? []).length > 0 && !address.isLocal) {
    refuse(
      `the daemon at ${address.url} may be another machine, on whose loopback a port would appear`,
      'ports',
    );
  }
  if ((request.mounts ?? []).length > 0 && !address.isLocal) {
    refuse(
      `the daemon at ${address.url} may be another machine, whose paths a mount would show`,
      'mounts',
    );
  }
}
