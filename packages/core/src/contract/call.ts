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
}

/** What a consumer may say about any single operation. */
export interface OperationOptions {
  /** Gives up on the operation: it rejects with `cancelled`. */
  readonly signal?: AbortSignal;
  /** Milliseconds until the operation rejects with `deadline-exceeded`. No limit when absent. */
  readonly timeoutMs?: number;
}
