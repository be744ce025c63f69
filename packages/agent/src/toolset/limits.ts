/** How much of anything a tool takes in or gives out. */
export interface ToolsetLimits {
  /** Tokens that one answer may cost, about four characters each. Default 10,000. */
  readonly outputTokens: number;
  /** Bytes of a text file that is read, edited, patched or written. Default 4 MiB. */
  readonly fileBytes: number;
  /** Bytes of an image. Default 4 MiB. */
  readonly imageBytes: number;
  /** Characters of one shown line. Default 2,000. */
  readonly lineLength: number;
  /** Entries of a listing, matches of a search. Default 500. */
  readonly entries: number;
  /** Commands that run at once. Default 16. */
  readonly sessions: number;
}

const mebibyte = 1024 * 1024;

/** What holds where nothing else was chosen. */
export const defaultLimits: ToolsetLimits = {
  outputTokens: 10_000,
  fileBytes: 4 * mebibyte,
  imageBytes: 4 * mebibyte,
  lineLength: 2_000,
  entries: 500,
  sessions: 16,
};
