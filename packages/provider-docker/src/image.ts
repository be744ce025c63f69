import { type Call, SandboxError } from '@gantry/core/driver';
import type Dockerode from 'dockerode';
import type { DockerOptions, PullProgress } from './docker-options.ts';
import { dockerError, statusOf, wordsOf } from './errors.ts';
import { PullTotals } from './pull-totals.ts';

/** An image that the daemon has. */
export interface KnownImage {
  readonly id: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Finds an image, and pulls it where the daemon lacks it. */
export async function ensureImage(
  daemon: Dockerode,
  name: string,
  onPull: DockerOptions['onPull'],
  { signal, onProgress }: Call,
): Promise<KnownImage> {
  const known = await findImage(daemon, name, signal);
  if (known) return known;
  if (!name.startsWith('sha256:')) {
    const totals = new PullTotals();
    const tell = (progress: PullProgress): void => {
      onPull?.(progress);
      onProgress?.({ what: `pulling image ${name}`, ...totals.after(progress) });
    };
    await pull(daemon, name, tell, signal);
  }
  const pulled = await findImage(daemon, name, signal);
  if (pulled) return pulled;
  throw new SandboxError('not-found', `the Docker daemon has no image ${name}`, {
    details: { image: name },
  });
}

/** Finds an image that the daemon has already. */
export async function findImage(
  daemon: Dockerode,
  name: string,
  signal: AbortSignal,
): Promise<KnownImage | undefined> {
  try {
    const { Id, Config } = await daemon.getImage(name).inspect();
    signal.throwIfAborted();
    return { id: Id, labels: Config?.Labels ?? {} };
  } catch (error) {
    if (statusOf(error) === 404) return undefined;
    throw dockerError(error, `looking for image ${name}`);
  }
}

async function pull(
  daemon: Dockerode,
  image: string,
  tell: (progress: PullProgress) => void,
  signal: AbortSignal,
): Promise<void> {
  // Without a tag the daemon would fetch every one of them.
  const tagged = /[:@][^/]*$/.test(image) ? image : `${image}:latest`;
  try {
    const stream = await daemon.pull(tagged, { abortSignal: signal });
    await new Promise<void>((resolve, reject) => {
      daemon.modem.followProgress(
        stream,
        (error: Error | null) => (error ? reject(error) : resolve()),
        (event: unknown) => tell(progressOf(image, event)),
      );
    });
  } catch (error) {
    signal.throwIfAborted();
    throw pullError(image, error);
  }
}

function pullError(image: string, cause: unknown): SandboxError {
  const said = wordsOf(cause);
  const advice = `pull or build it with docker first, or name an image that the daemon has`;
  const message = `image ${image} is not there and cannot be pulled (${said}); ${advice}`;
  const details = { image };
  if (/unauthorized|denied|authentication required/i.test(said) && !/not exist/i.test(said)) {
    return new SandboxError('unauthenticated', message, { cause, details });
  }
  if (/not found|manifest unknown|not exist/i.test(said)) {
    return new SandboxError('not-found', message, { cause, details });
  }
  if (/invalid reference|must be lowercase/i.test(said)) {
    return new SandboxError('invalid-argument', message, { cause, details });
  }
  return new SandboxError('unavailable', message, { cause, details, outcome: 'not-started' });
}

function progressOf(image: string, event: unknown): PullProgress {
  const fields = new Map<string, unknown>(
    typeof event === 'object' && event !== null ? Object.entries(event) : [],
  );
  const detail = fields.get('progressDetail');
  const numbers = new Map<string, unknown>(
    typeof detail === 'object' && detail !== null ? Object.entries(detail) : [],
  );
  const [status, layer] = [fields.get('status'), fields.get('id')];
  const [current, total] = [numbers.get('current'), numbers.get('total')];
  return {
    image,
    status: typeof status === 'string' ? status : '',
    ...(typeof layer === 'string' ? { layer } : {}),
    ...(typeof current === 'number' ? { currentBytes: current } : {}),
    ...(typeof total === 'number' ? { totalBytes: total } : {}),
  };
}
