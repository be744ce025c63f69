import type { Interrupts } from './interrupts.ts';

/** Options that every command has. */
export interface CommonOptions {
  readonly provider: string;
  /** Whether a proxy on this machine is all the network that sandboxes have. */
  readonly egress?: boolean;
  readonly json?: boolean;
  readonly verbose?: boolean;
}

/** One run of gantry: what its command shares with `main`. */
export interface Session {
  readonly interrupts: Interrupts;
  /** Whether the result and errors are to be JSON on stdout. Set as soon as it is known. */
  json: boolean;
  verbose: boolean;
  exitCode: number;
  /** What a `--json` document of an error carries beside it, for example output so far. */
  besideError: Readonly<Record<string, unknown>>;
}

/** Takes over the options that `main` needs too, for example to print an error. */
export function applyCommonOptions(session: Session, options: CommonOptions): void {
  session.json = options.json ?? false;
  session.verbose = options.verbose ?? false;
}
