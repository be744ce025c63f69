import type { Call } from './call.ts';

/**
 * Moves bytes by a file API of the vendor's, whose rights may be more than the guest's: core looks at and puts in
 * place, as the guest, what it moves.
 */
export interface FileTransfer<Handle> {
  /**
   * Stores bytes in a new file, which the sandbox's user can read and remove, and returns its absolute path; core
   * removes it. On rejection it is gone.
   */
  upload(handle: Handle, contents: ReadableStream<Uint8Array>, call: Call): Promise<string>;
  /** The bytes of a file that core finds to be regular and readable for the sandbox's user. */
  download(handle: Handle, path: string, call: Call): Promise<ReadableStream<Uint8Array>>;
  /** What broke a download's stream, as a `SandboxError` where it is known. Default: the error itself. */
  broken?(error: unknown): unknown;
}
