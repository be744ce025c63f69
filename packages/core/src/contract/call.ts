import type { OnSecret } from './secret-rule.ts';

/** What core hands to every driver operation: how to be told to stop, and by when. */
export interface Call {
  /** Aborted when the caller gives up. The operation then stops work and rejects. */
  readonly signal: AbortSignal;
  /** Milliseconds since the Unix epoch after which core aborts `signal`. Absent means no limit. */
  readonly deadline?: number;
  /** Told how far a part of the operation is that may take long, such as fetching an image. Absent: nobody asks. */
  readonly onProgress?: (progress: {
    /** In a few words: `pulling image debian`. */
    readonly what: string;
    readonly bytes?: number;
    readonly totalBytes?: number;
  }) => void;
  /**
   * Told each secret that is looked up for the sandbox: by this operation and, where it makes or reaches one, for as long as this
   * process serves it. A driver that declares `secrets` must keep it and tell it. Absent: nobody asks.
   */
  readonly onSecret?: OnSecret;
}

/** What a consumer may say about any single operation. */
export interface OperationOptions {
  /** Gives up on the operation: it rejects with `cancelled`. */
  readonly signal?: AbortSignal;
  /** Milliseconds until the operation rejects with `deadline-exceeded`. No limit when absent. */
  readonly timeoutMs?: number;
  /** Told each secret that is looked up for the sandbox, by this operation and, where it makes or reaches one, later by this process. */
  readonly onSecret?: OnSecret;
}
