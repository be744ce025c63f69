import { createHash } from 'node:crypto';
import type { Call } from '../contract/call.ts';
import type { ArchiveEntry } from '../contract/manifest-types.ts';
import { SandboxError } from '../errors/sandbox-error.ts';
import type { BytePath } from './byte-path.ts';
import { bytePath, compareBytePaths, joinPath, pathText } from './byte-path.ts';
import { archiveLimits, openArchive } from './open-archive.ts';
import { realSource } from './resolve-local.ts';
import type { SafeTree } from './safe-tree.ts';
import { safeTree } from './safe-tree.ts';
import type { TarEntry, TarLimits } from './tar-types.ts';
import { defaultDirectoryMode, fixedModifiedSeconds } from './workspace-item.ts';
import type { ItemSource, ItemStream, WorkspaceItem } from './workspace-item.ts';

const operation = 'manifest.resolve';

/**
 * A tar file of the host, read through once to check every entry of it and to know its contents.
 * Set-user-ID, set-group-ID and sticky bits are taken off and noted. It is read again when sent.
 */
export async function resolveArchive(
  at: string,
  entry: ArchiveEntry,
  baseDirectory: string,
  call: Call,
  limits: TarLimits = archiveLimits,
): Promise<ItemSource> {
  const file = await realSource(at, entry.source, baseDirectory);
  const archive = await openArchive(file, operation, limits, call);
  const tree = safeTree(pathText(file), operation, { fileRoot: false });
  const root = bytePath(at);
  const items = new Map<BytePath, WorkspaceItem>([[root, impliedDirectory(root)]]);
  let masked = 0;
  for await (const tarEntry of archive.entries) {
    if (tarEntry.type === 'file' || tarEntry.type === 'directory')
      masked += tarEntry.mode > 0o777 ? 1 : 0;
    for (const item of await toItems(tarEntry, tree, root)) items.set(item.path, item);
  }
  tree.checkLinks();
  const digest = archive.digest();
  if (entry.sha256 !== undefined && entry.sha256 !== digest) {
    throw new SandboxError(
      'failed-precondition',
      `${pathText(file)} has the SHA-256 digest ${digest}, and the manifest says ${entry.sha256}`,
      { operation, details: { path: at, expected: entry.sha256, actual: digest } },
    );
  }
  const sorted = [...items.values()].toSorted((left, right) =>
    compareBytePaths(left.path, right.path),
  );
  const stream = (sendCall: Call): AsyncGenerator<ItemStream> =>
    sendArchive(file, root, items, digest, limits, sendCall);
  const notes = masked === 0 ? [] : [`special mode bits taken off ${masked} entries`];
  const prepared = { items: sorted, stream, [Symbol.asyncDispose]: () => Promise.resolve() };
  return {
    path: at,
    type: 'archive',
    items: sorted,
    notes,
    prepare: () => Promise.resolve(prepared),
  };
}

async function toItems(entry: TarEntry, tree: SafeTree, root: BytePath): Promise<WorkspaceItem[]> {
  const { path, impliedDirectories, linkedTo } = tree.add(entry);
  const at = joinPath(root, path);
  const implied = impliedDirectories.map((parent) => impliedDirectory(joinPath(root, parent)));
  const mode = entry.mode & 0o777;
  const { modifiedSeconds } = entry;
  if (linkedTo !== undefined) {
    return [...implied, { type: 'hardlink', path: at, target: joinPath(root, linkedTo) }];
  }
  if (entry.type === 'symlink') {
    const target = bytePath(entry.linkTarget ?? new Uint8Array(0));
    return [...implied, { type: 'symlink', path: at, target }];
  }
  if (entry.type === 'directory') {
    return [...implied, { type: 'directory', path: at, mode, modifiedSeconds }];
  }
  const hash = createHash('sha256');
  for await (const chunk of entry.contents) hash.update(chunk);
  const sha256 = hash.digest('hex');
  return [...implied, { type: 'file', path: at, mode, modifiedSeconds, size: entry.size, sha256 }];
}

/** The second reading. Every entry must be one of the first, and the file the same to its last byte. */
async function* sendArchive(
  file: BytePath,
  root: BytePath,
  items: ReadonlyMap<BytePath, WorkspaceItem>,
  digest: string,
  limits: TarLimits,
  call: Call,
): AsyncGenerator<ItemStream> {
  const origin = pathText(file);
  const archive = await openArchive(file, 'manifest.materialize', limits, call);
  const tree = safeTree(origin, 'manifest.materialize', { fileRoot: false });
  for await (const entry of archive.entries) {
    const item = items.get(joinPath(root, tree.add(entry).path));
    if (item === undefined || item.type !== entry.type) throw changed(origin);
    if (item.type !== 'directory') yield { item, contents: entry.contents, origin };
  }
  if (archive.digest() !== digest) throw changed(origin);
}

function changed(origin: string): SandboxError {
  return new SandboxError('aborted', `${origin} changed while it was sent; try again`, {
    operation: 'manifest.materialize',
    details: { source: origin },
  });
}

function impliedDirectory(path: BytePath): WorkspaceItem {
  const modifiedSeconds = fixedModifiedSeconds;
  return { type: 'directory', path, mode: defaultDirectoryMode, modifiedSeconds };
}
