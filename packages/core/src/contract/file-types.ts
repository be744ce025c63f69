/** A path in the sandbox: relative to `/workspace`, or absolute. Bytes for names that are not UTF-8. */
export type SandboxPath = string | Uint8Array;

/** What a file-system entry is. */
export type FileType =
  | 'file'
  | 'directory'
  | 'symlink'
  | 'fifo'
  | 'socket'
  | 'character-device'
  | 'block-device';

/** What is known of one entry, without following a symbolic link (lstat). */
export interface FileStat {
  readonly type: FileType;
  /** Permission bits, 0 to 0o7777. */
  readonly mode: number;
  /** Bytes. For a symbolic link, the length of its target. */
  readonly size: number;
  /** Last change of the contents, in milliseconds since the Unix epoch. */
  readonly modifiedMs: number;
  /** Number of names of the same file. */
  readonly links: number;
  /** What a symbolic link points to, byte for byte. Present exactly for symbolic links. */
  readonly target?: Uint8Array;
}

/** One entry of a directory. */
export interface DirectoryEntry extends FileStat {
  /** The name as text: exact when the bytes are UTF-8, with U+FFFD where they are not. */
  readonly name: string;
  /** The name, byte for byte: what to build a path from when `name` is inexact. */
  readonly nameBytes: Uint8Array;
}

/** Which part of a file to read. */
export interface ByteRange {
  /** First byte, from 0. */
  readonly offset?: number;
  /** Bytes at the most; fewer at the end of the file. */
  readonly length?: number;
}

/** One observed change below a watched directory. */
export interface WatchEvent {
  readonly kind: 'created' | 'changed' | 'removed' | 'overflow';
  /** Absolute path in the sandbox. Absent for `overflow`: events were lost, list again. */
  readonly path?: string;
}
