import { GANTRY_FAILED } from '../exit-codes.ts';

/** What a `CliError` says beside its message. */
export interface CliErrorOptions {
  /** A word for programs, shown in `--json` output. Default `invalid-argument`. */
  readonly code?: string;
  /** What to do next, on a line of its own. */
  readonly hint?: string;
  /** Default 125. */
  readonly exitCode?: number;
  readonly cause?: unknown;
  /** JSON facts for `--json` output. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/** A failure that the command itself found: wrong use, or something that is not there. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly code: string;
  readonly exitCode: number;
  readonly hint?: string;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(message: string, options: CliErrorOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.code = options.code ?? 'invalid-argument';
    this.exitCode = options.exitCode ?? GANTRY_FAILED;
    if (options.hint !== undefined) this.hint = options.hint;
    this.details = options.details ?? {};
  }
}

/** The message of whatever was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
