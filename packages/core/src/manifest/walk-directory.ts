import type { Stats } from 'node:fs';
import { lstat, readdir, readlink } from 'node:fs/promises';
import ignore from 'ignore';
import type { Call } from '../contract/call.ts';
import { SandboxError } from '../errors/sandbox-error.ts';
import type { BytePath } from './byte-path.ts';
import { bytePath, compareBytePaths, joinPath, pathBytes, pathText } from './byte-path.ts';
import { digestHostFile } from './host-file.ts';
import { hostError } from './host-error.ts';
import { linkLeaves } from './link-containment.ts';
import { fixedModifiedSeconds } from './workspace-item.ts';
import type { WorkspaceItem } from './workspace-item.ts';

/** How a directory of the host is read. */
export interface WalkOptions {
  readonly operation: string;
  /** Patterns in `.gitignore` syntax, case-sensitive, of what to leave out. */
  readonly exclude?: readonly string[];
  /** Whether to read every file for its digest, and keep its modification time. */
  readonly digest: boolean;
}

/**
 * Everything in a directory of the host, sorted by byte, with paths relative to it; the directory itself is
 * the first item and has the path ''. Symbolic links are never followed, and one that leads out of
 * the directory is refused by name, as are sockets, fifos and devices. Hard links become files.
 */
export async function walkDirectory(
  root: BytePath,
  options: WalkOptions,
  call: Call,
): Promise<readonly WorkspaceItem[]> {
  const excluded = ignore({ ignorecase: false, allowRelativePaths: true }).add([
    ...(options.exclude ?? []),
  ]);
  const items: WorkspaceItem[] = [];
  const pending: BytePath[] = [''];
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    call.signal.throwIfAborted();
    const stats = await inspect(joinPath(root, path), options.operation);
    if (path !== '' && excluded.ignores(matchText(path, stats))) continue;
    items.push(await toItem(root, path, stats, options, call));
    if (!stats.isDirectory()) continue;
    for (const child of await children(root, path, options.operation)) pending.push(child);
  }
  refuseLeavingLinks(items, root, options.operation);
  return items.toSorted((left, right) => compareBytePaths(left.path, right.path));
}

async function toItem(
  root: BytePath,
  path: BytePath,
  stats: Stats,
  { operation, digest }: WalkOptions,
  call: Call,
): Promise<WorkspaceItem> {
  const full = pathBytes(joinPath(root, path));
  const mode = stats.mode & 0o777;
  const modifiedSeconds = digest
    ? Math.max(0, Math.floor(stats.mtimeMs / 1000))
    : fixedModifiedSeconds;
  if (stats.isDirectory()) return { type: 'directory', path, mode, modifiedSeconds };
  if (stats.isSymbolicLink()) {
    return { type: 'symlink', path, target: bytePath(await readlink(full, 'buffer')) };
  }
  if (!stats.isFile()) {
    throw new SandboxError(
      'failed-precondition',
      `${pathText(joinPath(root, path))} is a socket, fifo or device; add it to \`exclude\``,
      { operation, details: { path: pathText(path) } },
    );
  }
  if (!digest) return { type: 'file', path, mode, modifiedSeconds, size: stats.size };
  return { type: 'file', path, ...(await digestHostFile(full, operation, call)) };
}

async function inspect(path: BytePath, operation: string): Promise<Stats> {
  try {
    return await lstat(pathBytes(path));
  } catch (error) {
    throw hostError(error, operation, pathText(path));
  }
}

async function children(root: BytePath, path: BytePath, operation: string): Promise<BytePath[]> {
  const full = joinPath(root, path);
  try {
    const names = await readdir(pathBytes(full), { encoding: 'buffer' });
    return names.map((name) => joinPath(path, bytePath(name)));
  } catch (error) {
    throw hostError(error, operation, pathText(full));
  }
}

/** Patterns are text, so a name that is no UTF-8 is matched with U+FFFD in it. */
function matchText(path: BytePath, stats: Stats): string {
  return pathBytes(path).toString('utf8') + (stats.isDirectory() ? '/' : '');
}

function refuseLeavingLinks(
  items: readonly WorkspaceItem[],
  root: BytePath,
  operation: string,
): void {
  const links = new Map(
    items.flatMap((item) => (item.type === 'symlink' ? [[item.path, item.target] as const] : [])),
  );
  for (const [link, target] of links) {
    if (!linkLeaves(links, link)) continue;
    const name = pathText(link);
    throw new SandboxError(
      'failed-precondition',
      `the symbolic link ${name} in ${pathText(root)} leads out of it (to ${pathText(target)}); remove it or add it to \`exclude\``,
      { operation, details: { path: name, target: pathText(target) } },
    );
  }
}
