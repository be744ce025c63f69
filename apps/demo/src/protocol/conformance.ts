import type { CheckReport } from '@gantry/conformance';
import { z } from 'zod';
import type { ReportSummary } from './providers.ts';

/** One check of a run, as it comes: begun, or ended with its result. */
export interface LiveCheck {
  readonly id: string;
  /** The part of the id before the slash. */
  readonly profile: string;
  /** Absent while it runs. */
  readonly result?: CheckReport;
}

/** A run of the suite that this server began. */
export interface ConformanceRun {
  readonly id: string;
  readonly provider: string;
  readonly emulated: boolean;
  /** Empty: all. */
  readonly profiles: readonly string[];
  readonly state: 'running' | 'done' | 'cancelled' | 'failed';
  /** Milliseconds since the Unix epoch. */
  readonly startedAt: number;
  readonly endedAt?: number;
  /** Checks that have ended, and all that there are. */
  readonly ended: number;
  readonly total: number;
  /** Results by status; what is neither `pass` nor `unsupported` counts against the provider. */
  readonly counts: Readonly<Record<CheckReport['status'], number>>;
  /** With `done`: every selected profile is conformant. */
  readonly conformant?: boolean;
  /** With `failed`: why the run could not be carried out. */
  readonly problem?: string;
}

/** `GET /api/conformance/:id`. */
export interface ConformanceRunDetails extends ConformanceRun {
  readonly checks: readonly LiveCheck[];
}

/** `POST /api/conformance`. Answers the run. */
export interface ConformanceRequest {
  readonly provider: string;
  readonly profiles?: readonly string[] | undefined;
}

export const conformanceRequest: z.ZodType<ConformanceRequest> = z.strictObject({
  provider: z.string(),
  profiles: z.array(z.string()).max(40).optional(),
});

/** One row of the kill matrix: a provider that is broken on purpose, and what noticed. */
interface MutantRow {
  readonly id: string;
  /** What is broken in it. */
  readonly title: string;
  /** Ids of the checks that fail on it. */
  readonly killedBy: readonly string[];
}

/**
 * `GET /api/conformance`. Reports themselves: `/api/conformance/:id/report` of a run, `/api/conformance/reports/:name.json` of those
 * that are committed; `?format=html` or `junit`, or such an ending, for other forms.
 */
export interface ConformanceAnswer {
  /** The newest first. */
  readonly runs: readonly ConformanceRun[];
  readonly reports: readonly ReportSummary[];
  readonly matrix: {
    readonly date: string;
    /** `kills`: each mutant met only the checks that must fail on it. `all`: every check. */
    readonly against: 'kills' | 'all';
    /** Ids, in the suite's order. */
    readonly checks: readonly string[];
    readonly mutants: readonly MutantRow[];
  };
  /** Every profile of the suite with its number of checks. */
  readonly profiles: readonly { readonly name: string; readonly checks: number }[];
}
