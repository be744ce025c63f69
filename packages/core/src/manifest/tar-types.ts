/** The types of entry that Gantry writes and takes; every other one is refused. */
export type TarType = 'file' | 'directory' | 'symlink' | 'hardlink';

/** What one entry of a tar file says of itself. */
export interface TarHeader {
  readonly type: TarType;
  /** Byte for byte, without a slash at its end. */
  readonly path: Uint8Array;
  /** Permission bits as written, set-user-ID and the like included. */
  readonly mode: number;
  /** Bytes of contents; 0 for all but files. */
  readonly size: number;
  readonly modifiedSeconds: number;
  /** Symbolic links: the target. Hard links: the path of the entry that has the contents. */
  readonly linkTarget?: Uint8Array;
}

/** One entry while a tar file is read. */
export interface TarEntry extends TarHeader {
  /** The contents, once. What is left unread is skipped when the next entry is asked for. */
  readonly contents: AsyncIterable<Uint8Array>;
  /** The same, present where all of it was at hand: in place of `contents`, and until the next entry is asked for. */
  readonly bytes?: Uint8Array;
}

/** How much of a tar file is read before it is refused with `resource-exhausted`. */
export interface TarLimits {
  /** Bytes of the whole file, unpacked from any compression. */
  readonly maxBytes: number;
  readonly maxEntries: number;
}
