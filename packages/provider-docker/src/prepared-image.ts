import { createHash } from 'node:crypto';
import { SandboxError } from '@gantry/core/driver';
import type Dockerode from 'dockerode';
import { dockerError, statusOf } from './errors.ts';
import { findImage, type KnownImage } from './image.ts';
import { ownLabels } from './labels.ts';
import { directoriesTar } from './directories-tar.ts';

/** An image with an empty `/workspace` that its owner can write. */
export interface PreparedImage {
  readonly id: string;
  /** Id of the image that it was prepared from. */
  readonly base: string;
}

/**
 * Adds one layer of a few bytes to an image, once: giving each container its workspace would cost as much as a
 * command does. The result is tagged `gantry-prepared`, and may be removed at any time.
 */
export async function prepareImage(
  daemon: Dockerode,
  image: KnownImage,
  owner: string,
  signal: AbortSignal,
): Promise<PreparedImage> {
  const { labels } = image;
  // A snapshot's workspace is there already, with the contents that it is for.
  if (labels[ownLabels.kind] !== undefined && labels[ownLabels.owner] === owner) {
    return { id: image.id, base: labels[ownLabels.base] ?? image.id };
  }
  const tag = createHash('sha256').update(`${image.id} ${owner}`).digest('hex').slice(0, 40);
  const known = await findImage(daemon, `gantry-prepared:${tag}`, signal);
  if (known?.labels[ownLabels.base] === image.id) return { id: known.id, base: image.id };
  const labelled = {
    [ownLabels.kind]: 'prepared',
    [ownLabels.base]: image.id,
    [ownLabels.owner]: owner,
  };
  const id = await commitWith(daemon, image.id, directoriesTar(['workspace'], owner), {
    ...{ repo: 'gantry-prepared', tag },
    labels: labelled,
    signal,
  });
  return { id, base: image.id };
}

/** How an image made of another one is called. */
export interface CommitOptions {
  readonly repo?: string;
  readonly tag?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/** Makes an image of another one and a tar that is unpacked at its root. */
export async function commitWith(
  daemon: Dockerode,
  image: string,
  tar: Buffer | NodeJS.ReadableStream,
  options: CommitOptions,
): Promise<string> {
  const carrier = await daemon.createContainer({
    Image: image,
    Entrypoint: ['/nothing'],
    Cmd: [],
    Labels: { [ownLabels.kind]: 'carrier' },
    abortSignal: options.signal,
  });
  try {
    await carrier.putArchive(tar, { path: '/', abortSignal: options.signal });
    return await commit(carrier, options);
  } catch (error) {
    throw dockerError(error, `making an image of ${image}`);
  } finally {
    await carrier.remove({ force: true }).catch((error: unknown) => {
      if (statusOf(error) !== 404) throw dockerError(error, 'removing the carrier of a new image');
    });
  }
}

/** Makes an image of a container's own layers. */
export async function commit(
  container: Dockerode.Container,
  options: CommitOptions,
): Promise<string> {
  const { repo, tag, labels, signal } = options;
  const changes = Object.entries(labels).map(
    ([name, value]) => `LABEL ${name}=${JSON.stringify(value)}`,
  );
  const answer: unknown = await container.commit({
    ...(repo === undefined ? {} : { repo, tag }),
    pause: true,
    changes,
    abortSignal: signal,
  });
  if (
    typeof answer === 'object' &&
    answer !== null &&
    'Id' in answer &&
    typeof answer.Id === 'string'
  ) {
    return answer.Id;
  }
  throw new SandboxError('internal', 'the Docker daemon committed an image and did not say its id');
}
