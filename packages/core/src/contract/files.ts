import type { OperationOptions } from './call.ts';
import type { ByteRange, DirectoryEntry, FileStat, SandboxPath, WatchEvent } from './file-types.ts';

/** How a file is written. */
export interface WriteOptions extends OperationOptions {
  /** Permission bits. Default: those of the file that is replaced, else 0o644. */
  readonly mode?: number;
}

/** How a directory is watched. */
export interface WatchOptions extends OperationOptions {
  /** Default false. */
  readonly recursive?: boolean;
}

/**
 * The files of a sandbox. Every operation works on any legal name and any bytes, as the sandbox's
 * own user. `not-found` is only ever a confirmed absence; a path that cannot be looked at is
 * `permission-denied`.
 */
export interface Files {
  /** The bytes of a regular file, symbolic links followed. Cancel the stream to stop early. */
  read(
    path: SandboxPath,
    options?: ByteRange & OperationOptions,
  ): Promise<ReadableStream<Uint8Array>>;
  /** The whole file as bytes. */
  readBytes(path: SandboxPath, options?: ByteRange & OperationOptions): Promise<Uint8Array>;
  /** The whole file as UTF-8; `invalid-argument` when it is not UTF-8. */
  readText(path: SandboxPath, options?: OperationOptions): Promise<string>;
  /**
   * Replaces a file, whole or not at all, and makes missing parent directories. A symbolic link is
   * followed. A source that fails leaves the old file as it was.
   */
  write(
    path: SandboxPath,
    contents: string | Uint8Array | ReadableStream<Uint8Array> | AsyncIterable<Uint8Array | string>,
    options?: WriteOptions,
  ): Promise<void>;
  /** The entries of a directory, sorted by name bytes, without `.` and `..`. */
  list(path: SandboxPath, options?: OperationOptions): Promise<readonly DirectoryEntry[]>;
  /** One entry itself: a symbolic link is not followed. */
  stat(path: SandboxPath, options?: OperationOptions): Promise<FileStat>;
  /** Whether the entry is there (a dangling symbolic link is). False is a confirmed absence. */
  exists(path: SandboxPath, options?: OperationOptions): Promise<boolean>;
  /** Renames; replaces a file or an empty directory at the destination; makes its missing parents. */
  move(from: SandboxPath, to: SandboxPath, options?: OperationOptions): Promise<void>;
  /** Removes a file, a symbolic link, or a directory with all that is in it. Missing: `not-found`. */
  remove(path: SandboxPath, options?: OperationOptions): Promise<void>;
  /** Makes a directory and its missing parents. One that is there already is no error. */
  makeDirectory(path: SandboxPath, options?: WriteOptions): Promise<void>;
  /** Makes a symbolic link with exactly this target. Something already there: `already-exists`. */
  symlink(target: SandboxPath, path: SandboxPath, options?: OperationOptions): Promise<void>;
  /** Sets the permission bits of a file or directory. */
  setMode(path: SandboxPath, mode: number, options?: OperationOptions): Promise<void>;
  /** What changes below a directory from now on, until the loop ends or the signal fires. */
  watch(path: SandboxPath, options?: WatchOptions): AsyncIterable<WatchEvent>;
}
