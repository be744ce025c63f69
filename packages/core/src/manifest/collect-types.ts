/** One path of a workspace to fetch. */
export interface CollectedOutput {
  /** Workspace-relative, by the rules of manifest paths. */
  readonly path: string;
  /** When given, something else in its place is refused. */
  readonly kind?: 'file' | 'dir';
  /** Whether its absence fails the whole collection. Default false. */
  readonly required?: boolean;
}

/** What to fetch, to where, and how much at the most. */
export interface CollectRequest {
  readonly outputs: readonly CollectedOutput[];
  /** Directory of the host. Made if it is missing; what is at an output's own place in it is never replaced. */
  readonly destination: string;
  /** Bytes of all tar files together. Default 1 GiB. */
  readonly maxBytes?: number;
  /** Entries of all outputs together. Default 100,000. */
  readonly maxEntries?: number;
}
