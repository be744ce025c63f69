import type { CreateOptions, Provider, Sandbox } from '@gantry/core';
import { messageOf } from '../errors/cli-error.ts';
import { formatBytesOf } from '../output/byte-progress.ts';
import { note } from '../output/print.ts';
import { Progress } from '../output/progress.ts';
import type { Session } from '../session.ts';
import { findSandbox } from './find-sandbox.ts';
import { type ManifestFile, readManifest } from './read-manifest.ts';

/** Which sandbox to use, and what becomes of it. */
export interface SandboxOptions {
  /** Id of an existing sandbox, or a prefix of it. */
  readonly sandbox?: string;
  /** Manifest of a fresh one: its file, or what was read from there. */
  readonly manifest?: string | ManifestFile;
  /** Image of a fresh one, instead of the manifest's. */
  readonly image?: string;
  /** A fresh sandbox is left running. */
  readonly keep?: boolean;
  readonly lifetime?: number;
}

/**
 * Hands `use` an existing sandbox, which is released after, or a fresh one, which is destroyed after
 * unless it is to be kept. A fresh one is gone even when `use` fails or gantry is interrupted.
 */
export async function withSandbox<Result>(
  session: Session,
  provider: Provider,
  options: SandboxOptions,
  use: (sandbox: Sandbox) => Promise<Result>,
): Promise<Result> {
  const { signal } = session.interrupts;
  if (options.sandbox !== undefined) {
    const ref = await findSandbox(provider, options.sandbox, signal);
    const sandbox = await provider.connect(ref, { signal });
    try {
      return await use(sandbox);
    } finally {
      await sandbox.release();
    }
  }
  const sandbox = await createSandbox(session, provider, options);
  try {
    return await use(sandbox);
  } finally {
    await (options.keep ? keep(session, sandbox) : destroy(sandbox));
  }
}

async function createSandbox(
  session: Session,
  provider: Provider,
  options: SandboxOptions,
): Promise<Sandbox> {
  using progress = new Progress(session.verbose);
  const { manifest } = options;
  const start: CreateOptions =
    manifest === undefined
      ? {}
      : typeof manifest === 'string'
        ? await readManifest(manifest)
        : manifest;
  const { image } = options;
  const own = { spec: 'gantry-manifest/1', ...start.manifest } as const;
  return await announcing(provider, progress).create({
    ...start,
    ...(image === undefined ? {} : { manifest: { ...own, image } }),
    signal: session.interrupts.signal,
    ...(options.lifetime === undefined ? {} : { maxLifetimeMs: options.lifetime }),
  });
}

/** The same provider, which says how far a `create` has come. */
function announcing(provider: Provider, progress: Progress): Provider {
  progress.phase('looking up sources and planning');
  return provider.wrap((driver) => {
    // A copy of a class's object would lose its methods; telling phases is not worth that.
    if (Object.getPrototypeOf(driver) !== Object.prototype) return driver;
    return {
      ...driver,
      async create(request, call) {
        progress.phase(`creating a sandbox with provider ${driver.id}`);
        const handle = await driver.create(request, {
          ...call,
          onProgress: ({ what, bytes, totalBytes }) =>
            progress.part(what, bytes === undefined ? '' : `: ${formatBytesOf(bytes, totalBytes)}`),
        });
        progress.phase('putting the contents in place');
        return handle;
      },
    };
  });
}

async function keep(session: Session, sandbox: Sandbox): Promise<void> {
  const { id } = sandbox.ref;
  if (!session.json) note(`kept sandbox ${id}; use it: gantry exec --sandbox ${id} -- COMMAND`);
  await sandbox.release();
}

/** Never throws: what the command did is what the user wants to know, so a leftover is a loud note. */
async function destroy(sandbox: Sandbox): Promise<void> {
  try {
    await sandbox.destroy();
  } catch (error) {
    const { id } = sandbox.ref;
    note(`sandbox ${id} could not be destroyed and may still run: ${messageOf(error)}`);
    note(`try again: gantry destroy ${id}`);
  }
}
