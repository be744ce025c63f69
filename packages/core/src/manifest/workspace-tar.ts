import { createHash } from 'node:crypto';
import type { Call } from '../contract/call.ts';
import { SandboxError } from '../errors/sandbox-error.ts';
import type { BytePath } from './byte-path.ts';
import { pathBytes } from './byte-path.ts';
import { encodeTarHeader, tarBlock, tarPadding } from './tar-header.ts';
import { fixedModifiedSeconds } from './workspace-item.ts';
import type {
  DirectoryItem,
  FileItem,
  ItemStream,
  PreparedSource,
  WorkspaceItem,
} from './workspace-item.ts';

/** Digests of the files as they were sent, by path. Complete once the tar has been read to its end. */
export type SentDigests = Map<BytePath, string>;

/**
 * One tar of everything, produced as it is read and never held whole: the directories first, so that each
 * has a place and its owner may write to it, which tar programs need; then all else, source by source.
 * Modes that this opens are closed when the workspace is read back. A file that is no longer as it was
 * resolved ends it with `aborted`, naming the file.
 */
export async function* workspaceTar(
  tree: readonly WorkspaceItem[],
  sources: readonly PreparedSource[],
  sent: SentDigests,
  call: Call,
): AsyncGenerator<Uint8Array, void, undefined> {
  const directories = tree.filter((item) => item.type === 'directory');
  for (const item of directories) yield directoryHeader(item);
  for (const source of sources) {
    for await (const part of source.stream(call)) yield* encodeItem(part, sent);
  }
  yield Buffer.alloc(tarBlock * 2);
}

async function* encodeItem(
  { item, contents, origin }: ItemStream,
  sent: SentDigests,
): AsyncGenerator<Uint8Array, void, undefined> {
  const path = pathBytes(item.path);
  if (item.type === 'file') {
    const { mode, size, modifiedSeconds } = item;
    yield encodeTarHeader({ type: 'file', path, mode, size, modifiedSeconds });
    yield* checkedContents(item, contents, origin, sent);
    yield tarPadding(size);
  } else if (item.type !== 'directory') {
    const linkTarget = pathBytes(item.target);
    const modifiedSeconds = fixedModifiedSeconds;
    yield encodeTarHeader({
      type: item.type,
      path,
      mode: 0o777,
      size: 0,
      modifiedSeconds,
      linkTarget,
    });
  }
}

async function* checkedContents(
  item: FileItem,
  contents: AsyncIterable<Uint8Array>,
  origin: string,
  sent: SentDigests,
): AsyncGenerator<Uint8Array, void, undefined> {
  const hash = createHash('sha256');
  let left = item.size;
  for await (const chunk of contents) {
    left -= chunk.length;
    if (left < 0) throw changed(origin);
    hash.update(chunk);
    yield chunk;
  }
  const sha256 = hash.digest('hex');
  if (left > 0 || (item.sha256 !== undefined && item.sha256 !== sha256)) throw changed(origin);
  sent.set(item.path, sha256);
}

function changed(origin: string): SandboxError {
  return new SandboxError('aborted', `${origin} changed while it was sent; try again`, {
    operation: 'manifest.materialize',
    details: { source: origin },
  });
}

function directoryHeader(item: DirectoryItem): Uint8Array {
  const { modifiedSeconds } = item;
  const mode = item.mode | 0o700;
  return encodeTarHeader({
    type: 'directory',
    path: pathBytes(item.path),
    mode,
    size: 0,
    modifiedSeconds,
  });
}
