/** One line of a hunk: kept, removed or added. */
export interface HunkLine {
  readonly kind: ' ' | '-' | '+';
  readonly text: string;
}

/** One place of a file that changes. */
export interface Hunk {
  /** Lines to find first, from the outermost on: what stands behind `@@`. */
  readonly anchors: readonly string[];
  readonly lines: readonly HunkLine[];
  /** Whether the place is at the end of the file. */
  readonly atEnd: boolean;
  /** Where it begins in the patch, from 1. */
  readonly line: number;
}

/** What a patch does to one file. */
export type PatchChange =
  | { readonly kind: 'add'; readonly path: string; readonly lines: readonly string[] }
  | { readonly kind: 'delete'; readonly path: string }
  | {
      readonly kind: 'update';
      readonly path: string;
      readonly moveTo?: string;
      readonly hunks: readonly Hunk[];
    };
