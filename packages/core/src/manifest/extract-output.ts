import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { chmod, link, mkdir, open, symlink } from 'node:fs/promises';
import type { Call } from '../contract/call.ts';
import type { ReceiptEntry } from '../contract/manifest-types.ts';
import { SandboxError } from '../errors/sandbox-error.ts';
import type { BytePath } from './byte-path.ts';
import { bytePath, compareBytePaths, joinPath, pathBytes, pathText } from './byte-path.ts';
import { hostError } from './host-error.ts';
import { safeTree } from './safe-tree.ts';
import { readTar } from './tar-reader.ts';
import type { TarEntry, TarHeader, TarLimits } from './tar-types.ts';
import { defaultDirectoryMode } from './workspace-item.ts';

const operation = 'collect';

/**
 * Writes the tar of one output below `root`, which must not exist. The tar may be hostile: only regular
 * files, directories and symbolic links that stay inside it come through, each made anew and never
 * through a link; special mode bits are taken off. Links are made last, so that no write can follow one.
 * Returns what was written; paths start with `output`. The caller removes what a failure leaves.
 */
export async function extractOutput(
  source: AsyncIterable<Uint8Array>,
  output: string,
  root: BytePath,
  limits: TarLimits,
  call: Call,
): Promise<readonly ReceiptEntry[]> {
  const tree = safeTree(`the output ${output}`, operation, { fileRoot: true });
  const receipt = new Map<BytePath, ReceiptEntry>();
  const directories = new Map<BytePath, number>();
  const links: { readonly at: BytePath; readonly target: BytePath }[] = [];
  const baseName = bytePath(output.slice(output.lastIndexOf('/') + 1));
  for await (const entry of readTar(source, limits)) {
    call.signal.throwIfAborted();
    const { path, impliedDirectories, linkedTo } = tree.add(relativeTo(baseName, entry, output));
    const record = (inTree: BytePath, facts: Omit<ReceiptEntry, 'path'>): unknown =>
      receipt.set(inTree, { path: pathText(joinPath(bytePath(output), inTree)), ...facts });
    for (const parent of impliedDirectories) {
      await makeDirectory(joinPath(root, parent), defaultDirectoryMode, directories);
      record(parent, { type: 'directory', mode: octal(defaultDirectoryMode), size: 0 });
    }
    const at = joinPath(root, path);
    const mode = octal(entry.mode & 0o777);
    if (entry.type === 'directory') {
      await makeDirectory(at, entry.mode & 0o777, directories);
      record(path, { type: 'directory', mode, size: 0 });
    } else if (entry.type === 'file') {
      record(path, {
        type: 'file',
        mode,
        size: entry.size,
        sha256: await writeFile(at, entry, call),
      });
    } else if (linkedTo !== undefined) {
      await onHost(at, link(pathBytes(joinPath(root, linkedTo)), pathBytes(at)));
      const { path: _path, ...facts } = receipt.get(linkedTo) ?? { type: 'file', mode, size: 0 };
      record(path, facts);
    } else {
      const target = bytePath(entry.linkTarget ?? new Uint8Array(0));
      links.push({ at, target });
      record(path, {
        type: 'symlink',
        mode: '0777',
        size: target.length,
        target: pathText(target),
      });
    }
  }
  tree.checkLinks();
  for (const { at, target } of links) await onHost(at, symlink(pathBytes(target), pathBytes(at)));
  // Inner directories first: an outer one that gets its mode may close the way.
  for (const [at, mode] of [...directories].toReversed())
    await onHost(at, chmod(pathBytes(at), mode));
  if (receipt.size === 0) throw malformed(output, 'the archive is empty');
  return [...receipt]
    .toSorted(([left], [right]) => compareBytePaths(left, right))
    .map(([, entry]) => entry);
}

/** The header with its names relative to the output; a symbolic link's target is relative already. */
function relativeTo(baseName: BytePath, header: TarHeader, output: string): TarHeader {
  const path = withoutBase(header.path, baseName, output);
  if (header.type !== 'hardlink') return { ...header, path };
  const named = header.linkTarget ?? new Uint8Array(0);
  return { ...header, path, linkTarget: withoutBase(named, baseName, output) };
}

/** Names in the tar start with the output's own last component; anything else is not what was asked for. */
function withoutBase(name: Uint8Array, baseName: BytePath, output: string): Uint8Array {
  const path = bytePath(name).replace(/^(?:\.\/+)+/, '');
  if (path === baseName) return new Uint8Array(0);
  if (!path.startsWith(`${baseName}/`))
    throw malformed(output, `the archive has ${pathText(path)} in it`);
  return pathBytes(path.slice(baseName.length + 1));
}

async function makeDirectory(
  at: BytePath,
  mode: number,
  directories: Map<BytePath, number>,
): Promise<void> {
  // One that the tar named late was made when its first child came.
  if (!directories.has(at)) await onHost(at, mkdir(pathBytes(at), 0o700));
  directories.set(at, mode);
}

async function writeFile(at: BytePath, entry: TarEntry, call: Call): Promise<string> {
  const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
  await using file = await onHost(
    at,
    open(pathBytes(at), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600),
  );
  const hash = createHash('sha256');
  for await (const chunk of entry.contents) {
    call.signal.throwIfAborted();
    hash.update(chunk);
    await onHost(at, file.writeFile(chunk));
  }
  await onHost(at, file.chmod(entry.mode & 0o777));
  return hash.digest('hex');
}

async function onHost<Result>(at: BytePath, work: Promise<Result>): Promise<Result> {
  try {
    return await work;
  } catch (error) {
    throw hostError(error, operation, pathText(at));
  }
}

function malformed(output: string, reason: string): SandboxError {
  return new SandboxError('failed-precondition', `the output ${output} is refused: ${reason}`, {
    operation,
    details: { path: output },
  });
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}
