import { type CreateRequest, SandboxError, type SandboxRef } from '@gantry/core/driver';
import { brokering } from '@gantry/core/node';
import { Sandbox, Snapshot } from '@vercel/sandbox';
import { fromVendor, unlessMissing, withVendor } from './errors.ts';
import { type HeadersByDomain, toNetwork } from './network.ts';
import type { ResolvedOptions, VendorAccess } from './options.ts';
import { runSandboxScript } from './sandbox-script.ts';
import { isOver, toTags } from './tags.ts';

/** Automatic snapshots, by which the vendor suspends, are kept by it for a day at least. */
const shortestKeptMs = 86_400_000;

/** `/workspace`, made by whoever may: the user itself, or by sudo. */
const makeWorkspace = `
mkdir -p /workspace 2>/dev/null && [ -w /workspace ] && exit 0
sudo -n mkdir -p /workspace && sudo -n chown "$(id -u):$(id -g)" /workspace`;

/** What of a request every way of making a sandbox takes. */
export function commonParams(
  { access, persistent, vcpus, networkRules }: ResolvedOptions,
  { id, labels, maxLifetimeMs, network }: CreateRequest,
  headers: HeadersByDomain = {},
): {
  readonly name: string;
  readonly tags: Record<string, string>;
  readonly timeout: number;
  readonly persistent: boolean;
  readonly snapshotExpiration: number;
  readonly networkPolicy: ReturnType<typeof toNetwork>;
  readonly resources?: { vcpus: number };
} & VendorAccess {
  return {
    ...access,
    ...{ name: id, timeout: maxLifetimeMs, persistent },
    tags: toTags(labels, Date.now() + maxLifetimeMs),
    snapshotExpiration: Math.max(shortestKeptMs, maxLifetimeMs),
    networkPolicy: toNetwork(network, networkRules, headers),
    ...(vcpus === undefined ? {} : { resources: { vcpus } }),
  };
}

/** Makes a sandbox of an image or a snapshot. Nothing of it is left when that fails. */
export async function createSandbox(
  options: ResolvedOptions,
  request: CreateRequest & brokering.SecretTerms,
  snapshotId?: string,
): Promise<Sandbox> {
  const image = request.image ?? options.image;
  if (request.user !== undefined) {
    const message = 'Vercel has no default user to set: give each command its own';
    throw new SandboxError('unsupported', message, { details: { capability: 'users' } });
  }
  const { byHost, placeholders, send } = await brokering.secretHeaders(request);
  const making = async (): Promise<Sandbox> => {
    const sandbox = await Sandbox.create({
      ...commonParams(options, request, byHost),
      env: { ...placeholders, ...request.env },
      ports: [...(request.ports ?? [])],
      ...(snapshotId === undefined
        ? image === undefined
          ? {}
          : { image }
        : { source: { type: 'snapshot', snapshotId } }),
    });
    await prepare(sandbox);
    return sandbox;
  };
  return send(() => orNothing(options.access, request.id, making));
}

/** Does what makes a sandbox of that name; when it fails, whatever it has made is deleted. */
export async function orNothing(
  access: VendorAccess,
  name: string,
  make: () => Promise<Sandbox>,
): Promise<Sandbox> {
  try {
    return await make();
  } catch (cause) {
    const error = fromVendor(cause);
    // What was refused has made nothing; an answer that was lost may have been a yes.
    if (!SandboxError.is(error) || !refused.has(error.code)) await destroySandbox(access, name);
    throw error;
  }
}

const refused: ReadonlySet<string> = new Set([
  ...['invalid-argument', 'unauthenticated', 'permission-denied', 'resource-exhausted'],
  ...['unsupported', 'not-found'],
]);

async function prepare(sandbox: Sandbox): Promise<void> {
  const { code, stderr } = await runSandboxScript({ sandbox }, makeWorkspace);
  if (code === 0) return;
  const message = `the sandbox cannot be given /workspace: ${stderr}`;
  throw new SandboxError('failed-precondition', message);
}

/** What the vendor knows of a sandbox, without waking it; `undefined` for none, which is a confirmed absence. */
export function findSandbox(access: VendorAccess, name: string): Promise<Sandbox | undefined> {
  return unlessMissing(() => Sandbox.get({ ...access, name, resume: false }));
}

/** The same; rejects with `not-found` where there is none, or its end has come. */
export async function requireSandbox(access: VendorAccess, ref: SandboxRef): Promise<Sandbox> {
  const sandbox = await findSandbox(access, ref.id);
  if (sandbox && !isOver(sandbox)) return sandbox;
  throw new SandboxError('not-found', `there is no sandbox ${ref.id}`, { ref });
}

/** Deletes a sandbox and the snapshots that the vendor took of it by itself; those that somebody asked for stay. */
export async function destroySandbox(access: VendorAccess, name: string): Promise<void> {
  const sandbox = await findSandbox(access, name);
  if (!sandbox) return;
  const snapshots =
    sandbox.currentSnapshotId === undefined
      ? []
      : await withVendor(async () => (await sandbox.listSnapshots()).toArray());
  await unlessMissing(() => sandbox.delete());
  for (const { id, creationMethod, status } of snapshots) {
    if (creationMethod !== 'automatic' || status !== 'created') continue;
    await unlessMissing(async () => (await Snapshot.get({ ...access, snapshotId: id })).delete());
  }
}
