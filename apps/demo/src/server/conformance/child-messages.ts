import type { Progress, Report } from '@gantry/conformance';

/** What the process of a conformance run is given as its first argument, in JSON. */
export interface SuiteOrder {
  /** The file of the provider's package. */
  readonly load: string;
  readonly profiles: readonly string[];
  readonly mode: 'live' | 'emulated';
  readonly timeoutScale: number;
  readonly concurrency: number;
  readonly knownFailures: Readonly<Record<string, string>>;
}

/** What it says while it runs and when it has ended. */
export type SuiteMessage =
  | { readonly progress: Progress }
  | { readonly report: Report }
  | { readonly problem: string };

/** What tells it to stop what has not begun, to clean up, and to report what it has. */
export const stopMessage = 'stop';
