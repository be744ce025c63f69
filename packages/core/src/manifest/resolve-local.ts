import { realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Call } from '../contract/call.ts';
import type {
  DirectoryManifestEntry,
  FileEntry,
  LocalDirectoryEntry,
  LocalFileEntry,
  OutputEntry,
} from '../contract/manifest-types.ts';
import { createHash } from 'node:crypto';
import { SandboxError } from '../errors/sandbox-error.ts';
import type { BytePath } from './byte-path.ts';
import { bytePath, joinPath, pathBytes, pathText } from './byte-path.ts';
import { digestHostFile, readHostFile } from './host-file.ts';
import { hostError } from './host-error.ts';
import { walkDirectory } from './walk-directory.ts';
import { defaultDirectoryMode, fixedModifiedSeconds } from './workspace-item.ts';
import type { ItemSource, ItemStream, PreparedSource, WorkspaceItem } from './workspace-item.ts';

const operation = 'manifest.resolve';

/** A file whose contents are in the manifest. */
export function resolveInlineFile(at: string, entry: FileEntry): ItemSource {
  const contents =
    entry.text === undefined ? Buffer.from(entry.base64 ?? '', 'base64') : Buffer.from(entry.text);
  const item: WorkspaceItem = {
    type: 'file',
    path: bytePath(at),
    mode: parseMode(entry.mode, 0o644),
    modifiedSeconds: fixedModifiedSeconds,
    size: contents.length,
    sha256: createHash('sha256').update(contents).digest('hex'),
  };
  const stream = async function* (): AsyncGenerator<ItemStream> {
    yield { item, contents: onlyChunk(contents), origin: at };
  };
  return simpleSource(at, 'file', [item], stream);
}

/** An empty directory, declared as such or as the place of an output. */
export function resolveDirectory(
  at: string,
  entry: DirectoryManifestEntry | OutputEntry,
): ItemSource {
  const mode = parseMode(entry.type === 'dir' ? entry.mode : undefined, defaultDirectoryMode);
  const made = entry.type === 'dir' || entry.kind !== 'file';
  const item: WorkspaceItem = {
    type: 'directory',
    path: bytePath(at),
    mode,
    modifiedSeconds: fixedModifiedSeconds,
  };
  return simpleSource(at, entry.type, made ? [item] : [], noItems);
}

/** One file of the host. The source itself may be a symbolic link to it. */
export async function resolveLocalFile(
  at: string,
  entry: LocalFileEntry,
  baseDirectory: string,
  call: Call,
): Promise<ItemSource> {
  const source = await realSource(at, entry.source, baseDirectory);
  const facts = await digestHostFile(pathBytes(source), operation, call);
  const mode = parseMode(entry.mode, facts.mode);
  const item: WorkspaceItem = { type: 'file', path: bytePath(at), ...facts, mode };
  return simpleSource(
    at,
    'localFile',
    [item],
    hostFiles([item], () => source),
  );
}

/** A directory of the host. The source itself may be a symbolic link to it. */
export async function resolveLocalDirectory(
  at: string,
  entry: LocalDirectoryEntry,
  baseDirectory: string,
  call: Call,
): Promise<ItemSource> {
  const source = await realSource(at, entry.source, baseDirectory);
  if (!(await stat(pathBytes(source))).isDirectory()) {
    throw new SandboxError('failed-precondition', `${pathText(source)} is not a directory`, {
      operation,
    });
  }
  const { exclude = [] } = entry;
  const walked = await walkDirectory(source, { operation, exclude, digest: true }, call);
  const root = bytePath(at);
  const items = walked.map((item) => ({ ...item, path: joinPath(root, item.path) }));
  const hostPath = (path: BytePath): BytePath => source + path.slice(root.length);
  return simpleSource(at, 'localDir', items, hostFiles(items, hostPath));
}

/** The items that are no directories, the files read from where `hostPath` says. */
export function hostFiles(
  items: readonly WorkspaceItem[],
  hostPath: (path: BytePath) => BytePath,
): PreparedSource['stream'] {
  return async function* (call) {
    for (const item of items) {
      if (item.type === 'directory') continue;
      const source = hostPath(item.path);
      const contents =
        item.type === 'file'
          ? readHostFile(pathBytes(source), 'manifest.materialize', call)
          : onlyChunk(new Uint8Array(0));
      yield { item, contents, origin: pathText(source) };
    }
  };
}

/** The real path of a local source, relative ones taken from the base directory. */
export async function realSource(
  at: string,
  source: string,
  baseDirectory: string,
): Promise<BytePath> {
  const absolute = path.resolve(baseDirectory, source);
  try {
    return bytePath(await realpath(absolute, 'buffer'));
  } catch (error) {
    throw hostError(error, operation, `the source of ${at}, ${absolute}`);
  }
}

function simpleSource(
  at: string,
  type: ItemSource['type'],
  items: readonly WorkspaceItem[],
  stream: PreparedSource['stream'],
): ItemSource {
  // Nothing is held between the reads of a plain source, so nothing is left to let go of.
  const prepared: PreparedSource = {
    items,
    stream,
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  return { path: at, type, items, notes: [], prepare: () => Promise.resolve(prepared) };
}

async function* onlyChunk(chunk: Uint8Array): AsyncGenerator<Uint8Array> {
  if (chunk.length > 0) yield chunk;
}

async function* noItems(): AsyncGenerator<ItemStream> {}

function parseMode(text: string | undefined, otherwise: number): number {
  return text === undefined ? otherwise : Number.parseInt(text, 8);
}
