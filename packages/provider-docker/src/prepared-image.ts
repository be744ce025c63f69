import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { SandboxError } from '@gantry/core/driver';
import type Dockerode from 'dockerode';
import { dockerError, statusOf } from './errors.ts';
import { findImage, type KnownImage } from './image.ts';
import { ownLabels } from './labels.ts';
import { tarEntry, tarOf } from './small-tar.ts';
import { waitProgram, waitProgramPath } from './wait-program.ts';

/** An image with an empty `/workspace` that its owner can write. */
export interface PreparedImage {
  readonly id: string;
  /** Id of the image that snapshots are layered on: where the prepared one holds no more than a workspace, the one it was made from. */
  readonly base: string;
  /** Whether it has a `/bin/sh`. */
  readonly hasShell: boolean;
}

/** Whom an image is prepared for. */
interface Preparation {
  readonly owner: string;
  readonly architecture: 'x64' | 'arm64';
  readonly signal: AbortSignal;
}

/**
 * Adds one layer of a few bytes to an image, once: giving each container its workspace would cost as much as a
 * command does. The result is tagged `gantry-prepared`, and may be removed at any time.
 */
export async function prepareImage(
  daemon: Dockerode,
  image: KnownImage,
  { owner, architecture, signal }: Preparation,
): Promise<PreparedImage> {
  const { labels } = image;
  // A snapshot's workspace is there already, with the contents that it is for.
  if (labels[ownLabels.kind] !== undefined && labels[ownLabels.owner] === owner) {
    const hasShell = labels[ownLabels.shell] !== 'none';
    return { id: image.id, base: labels[ownLabels.base] ?? image.id, hasShell };
  }
  const tag = createHash('sha256').update(`${image.id} ${owner}`).digest('hex').slice(0, 40);
  const known = await findImage(daemon, `gantry-prepared:${tag}`, signal);
  const made = (id: string, hasShell: boolean): PreparedImage => ({
    ...{ id, base: hasShell ? image.id : id, hasShell },
  });
  if (known?.labels[ownLabels.base] === image.id)
    return made(known.id, known.labels[ownLabels.shell] !== 'none');
  const workspace = tarEntry('workspace/', owner);
  const labelled = {
    [ownLabels.kind]: 'prepared',
    [ownLabels.base]: image.id,
    [ownLabels.owner]: owner,
  };
  return withCarrier(daemon, image.id, signal, async (carrier) => {
    const hasShell = await hasFile(carrier, '/bin/sh', signal);
    const wait = hasShell ? [] : [tarEntry(waitProgramPath, '0:0', waitProgram(architecture))];
    const tar = tarOf([workspace, ...wait]);
    await carrier.putArchive(tar, { path: '/', abortSignal: signal });
    const named = { repo: 'gantry-prepared', tag };
    const all = { ...labelled, [ownLabels.shell]: hasShell ? 'sh' : 'none' };
    return made(await commit(carrier, { ...named, labels: all, signal }), hasShell);
  });
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
  return withCarrier(daemon, image, options.signal, async (carrier) => {
    await carrier.putArchive(tar, { path: '/', abortSignal: options.signal });
    return commit(carrier, options);
  });
}

/** Does something with a container of an image that is never started. */
async function withCarrier<T>(
  daemon: Dockerode,
  image: string,
  signal: AbortSignal,
  work: (carrier: Dockerode.Container) => Promise<T>,
): Promise<T> {
  const carrier = await daemon.createContainer({
    Image: image,
    Entrypoint: ['/nothing'],
    Cmd: [],
    Labels: { [ownLabels.kind]: 'carrier' },
    abortSignal: signal,
  });
  try {
    return await work(carrier);
  } catch (error) {
    throw dockerError(error, `making an image of ${image}`);
  } finally {
    await carrier.remove({ force: true }).catch((error: unknown) => {
      if (statusOf(error) !== 404) throw dockerError(error, 'removing the carrier of a new image');
    });
  }
}

async function hasFile(
  container: Dockerode.Container,
  path: string,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    // Read to its end, empty as it is: else its connection stays open, and the program with it.
    const answer: unknown = await container.infoArchive({ path, abortSignal: signal });
    if (answer instanceof Readable) answer.resume();
    return true;
  } catch (error) {
    if (statusOf(error) === 404) return false;
    throw error;
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
