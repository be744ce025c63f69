import type { Stats } from 'node:fs';
import { lstat, mkdir, readdir, realpath, rename, rm, rmdir } from 'node:fs/promises';
import path from 'node:path';
import type { Call } from '../contract/call.ts';
import type { CollectReceipt, ReceiptEntry } from '../contract/manifest-types.ts';
import { SandboxError } from '../errors/sandbox-error.ts';
import { bytePath } from './byte-path.ts';
import type { CollectRequest, CollectedOutput } from './collect-types.ts';
import { extractOutput } from './extract-output.ts';
import { hostError } from './host-error.ts';
import { locateOutputs } from './locate-outputs.ts';
import { temporaryDirectory } from './temporary-directory.ts';
import type { TarLimits } from './tar-types.ts';
import { ancestorPaths, workspacePathProblem } from './workspace-path.ts';
import type { WorkspaceTarget } from './workspace-target.ts';

const operation = 'collect';

/**
 * Fetches outputs of a workspace into a directory of the host: all that are there, or none. An output `a/b`
 * becomes `destination/a/b`, which must not exist (an empty directory may). Digests are taken by the
 * host while it writes. Missing and required is `not-found`; more than the limits is
 * `resource-exhausted`; what leads out of an output, or is no file, directory or link, is
 * `failed-precondition`. After a failure nothing of it is left.
 */
export async function collectOutputs(
  target: WorkspaceTarget,
  request: CollectRequest,
  call: Call,
): Promise<CollectReceipt> {
  refuseBadPaths(request.outputs);
  const { present, missing } = await locateOutputs(target, request.outputs, call);
  const absent = missing.filter(({ required }) => required === true).map((output) => output.path);
  if (absent.length > 0) {
    throw new SandboxError('not-found', `required outputs are missing: ${absent.join(', ')}`, {
      operation,
      provider: target.provider,
      details: { missing: absent },
    });
  }
  // An output inside another one comes with it; naming it too only says that it must be there.
  const named = new Set(present.map((output) => output.path));
  const outermost = present.filter(
    (output) => !ancestorPaths(output.path).some((parent) => named.has(parent)),
  );
  const destination = await makeDestination(request.destination);
  for (const { path: output } of outermost) await refuseOccupied(destination, output);
  // Beside the results, so that moving them into place is one step each.
  await using staging = await temporaryDirectory('collect', destination);
  const entries = await extractAll(target, outermost, staging.path, request, call);
  await moveIntoPlace(outermost, staging.path, destination);
  return {
    spec: 'gantry-collect/1',
    destination,
    entries,
    missing: missing.map((output) => output.path),
  };
}

async function extractAll(
  target: WorkspaceTarget,
  outputs: readonly CollectedOutput[],
  staging: string,
  { maxBytes = 1024 ** 3, maxEntries = 100_000 }: CollectRequest,
  call: Call,
): Promise<readonly ReceiptEntry[]> {
  const entries: ReceiptEntry[] = [];
  let bytes = 0;
  for (const [index, { path: output }] of outputs.entries()) {
    const tar = await target.getArchive(output, call);
    const counted = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
      for await (const chunk of tar) {
        bytes += chunk.length;
        yield chunk;
      }
    };
    const limits: TarLimits = {
      maxBytes: maxBytes - bytes,
      maxEntries: maxEntries - entries.length,
    };
    const root = bytePath(path.join(staging, String(index)));
    const extracted = await extractOutput(counted(), output, root, limits, call);
    for (const entry of extracted) entries.push(entry);
  }
  return entries;
}

async function makeDestination(destination: string): Promise<string> {
  try {
    await mkdir(destination, { recursive: true });
    return await realpath(destination);
  } catch (error) {
    throw hostError(error, operation, destination);
  }
}

/** Looks that an output's own place is free, and that every parent that is there is a real directory. */
async function refuseOccupied(destination: string, output: string): Promise<void> {
  for (const parent of ancestorPaths(output)) {
    const at = path.join(destination, parent);
    const stats = await lookAt(at);
    if (stats === undefined) return;
    if (!stats.isDirectory()) throw occupied(at, 'is no directory');
  }
  const at = path.join(destination, output);
  const stats = await lookAt(at);
  if (stats === undefined) return;
  if (!stats.isDirectory()) throw occupied(at, 'is there already');
  if ((await readdir(at)).length > 0) throw occupied(at, 'is there already and is not empty');
}

async function lookAt(at: string): Promise<Stats | undefined> {
  try {
    return await lstat(at);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw hostError(error, operation, at);
  }
}

function occupied(at: string, reason: string): SandboxError {
  const message = `${at} ${reason}; collect into a fresh directory`;
  return new SandboxError('already-exists', message, { operation, details: { path: at } });
}

async function moveIntoPlace(
  outputs: readonly CollectedOutput[],
  staging: string,
  destination: string,
): Promise<void> {
  const moved: string[] = [];
  try {
    for (const [index, { path: output }] of outputs.entries()) {
      const at = path.join(destination, output);
      await makeParents(destination, output);
      // Only an empty directory can be there; a file cannot take its place by renaming.
      if ((await lookAt(at)) !== undefined) await rmdir(at);
      await rename(path.join(staging, String(index)), at);
      moved.push(at);
    }
  } catch (error) {
    await Promise.all(moved.map((at) => rm(at, { recursive: true, force: true })));
    throw hostError(error, operation, destination);
  }
}

/** One at a time, so that none is made through a link. */
async function makeParents(destination: string, output: string): Promise<void> {
  for (const parent of ancestorPaths(output)) {
    const at = path.join(destination, parent);
    const stats = await lookAt(at);
    if (stats === undefined) await mkdir(at);
    else if (!stats.isDirectory()) throw occupied(at, 'is no directory');
  }
}

function refuseBadPaths(outputs: readonly CollectedOutput[]): void {
  const paths = outputs.map((output) => output.path);
  for (const output of paths) {
    const problem = workspacePathProblem(output);
    const twice = paths.filter((other) => other === output).length > 1;
    const reason = problem ?? (twice ? 'it is named twice' : undefined);
    if (reason === undefined) continue;
    throw new SandboxError(
      'invalid-argument',
      `the output ${output} cannot be collected: ${reason}`,
      {
        operation,
        details: { path: output },
      },
    );
  }
}
