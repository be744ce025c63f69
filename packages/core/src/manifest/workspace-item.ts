import type { Call } from '../contract/call.ts';
import type { BytePath } from './byte-path.ts';

/** Modification time of what has no file of the host behind it: 1980-01-01, the earliest that zip files can hold. */
export const fixedModifiedSeconds = 315_532_800;

/** Mode of directories that no entry speaks of. */
export const defaultDirectoryMode = 0o755;

interface ItemBase {
  /** Relative to the workspace. */
  readonly path: BytePath;
}

/** A directory to make. */
export interface DirectoryItem extends ItemBase {
  readonly type: 'directory';
  readonly mode: number;
  readonly modifiedSeconds: number;
}

/** A file to write. */
export interface FileItem extends ItemBase {
  readonly type: 'file';
  readonly mode: number;
  readonly modifiedSeconds: number;
  readonly size: number;
  /** What the contents must be. Absent where a commit vouches for them instead. */
  readonly sha256?: string;
}

/** A symbolic link to make; its target has been checked. */
interface SymlinkItem extends ItemBase {
  readonly type: 'symlink';
  readonly target: BytePath;
}

/** One more name of a file of the same archive. */
interface HardlinkItem extends ItemBase {
  readonly type: 'hardlink';
  /** Path of the file, relative to the workspace. */
  readonly target: BytePath;
}

/** One thing to put into a workspace. */
export type WorkspaceItem = DirectoryItem | FileItem | SymlinkItem | HardlinkItem;

/** An item while it is sent. */
export interface ItemStream {
  readonly item: WorkspaceItem;
  /** For files: the contents, read now. Whoever reads compares them with the item's size and digest. */
  readonly contents: AsyncIterable<Uint8Array>;
  /** The source as people know it, for errors. */
  readonly origin: string;
}

/** A source whose items are all known, and whose contents can be read. */
export interface PreparedSource extends AsyncDisposable {
  readonly items: readonly WorkspaceItem[];
  /** Every item that is no directory, with its contents, in an order in which they can be read. */
  stream(call: Call): AsyncIterable<ItemStream>;
}

/** One manifest entry that fills a part of the workspace, its source looked up and fixed. */
export interface ItemSource {
  /** As in the manifest. */
  readonly path: string;
  readonly type: 'file' | 'dir' | 'localFile' | 'localDir' | 'git' | 'archive' | 'output';
  /** What will be there; for git nothing, since the commit says it. */
  readonly items: readonly WorkspaceItem[];
  readonly commit?: string;
  /** What was left out on purpose, for people. */
  readonly notes: readonly string[];
  /** Makes the contents ready to be read. The caller disposes what it returns. */
  prepare(call: Call): Promise<PreparedSource>;
}
