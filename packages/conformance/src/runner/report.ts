import type { Capabilities } from '@gantry/core';
import type { Level } from '../check.ts';

/** What became of one check. Anything but `pass` and `unsupported` counts against the subject. */
export type Status =
  | 'pass'
  | 'fail'
  /** A prerequisite is missing here. Counts as a failure. */
  | 'untestable'
  /** Not declared, and proved to say so. */
  | 'unsupported'
  /** The suite's own fault. */
  | 'error';

/** One check's result. */
export interface CheckReport {
  readonly id: string;
  readonly level: Level;
  readonly title: string;
  readonly spec: string;
  readonly status: Status;
  readonly assertions: number;
  /** Milliseconds of host time. */
  readonly ms: number;
  readonly message?: string;
  /** Why it is listed as a known failure. */
  readonly known?: string;
}

/** Whether a subject keeps all MUSTs of a profile; `partial` when only SHOULDs, known failures or a filter stand against it. */
export type Verdict = 'conformant' | 'partial' | 'nonconformant';

/** One profile's result. */
export interface ProfileReport {
  readonly status: Verdict;
  /** False: the subject declares nothing that this profile needs, and that was proved. */
  readonly supported: boolean;
  readonly checks: Readonly<Record<Status, number>>;
}

/** The whole result: `report.v1.json`. */
export interface Report {
  readonly spec: 'gantry-conformance-report/1';
  readonly suite: {
    readonly name: '@gantry/conformance';
    readonly version: string;
    /** SHA-256 over the ids, levels and anchors of the suite's requirements. */
    readonly requirements: string;
  };
  readonly subject: {
    readonly name: string;
    readonly version?: string;
    readonly isolation: string;
  };
  /** Where `portability` moved workspaces to. Not in reports of earlier suites. */
  readonly second?: string;
  readonly mode: 'live' | 'emulated';
  /** What the suite itself ran on. */
  readonly environment: { readonly node: string; readonly os: string; readonly arch: string };
  readonly capabilities: Capabilities;
  readonly seed: number;
  readonly runId: string;
  readonly startedAt: string;
  readonly ms: number;
  readonly concurrency: number;
  readonly timeoutScale: number;
  /** True when a filter left checks out: no profile is then conformant. */
  readonly filtered: boolean;
  /** True when every selected profile is conformant. */
  readonly conformant: boolean;
  readonly profiles: Readonly<Record<string, ProfileReport>>;
  readonly checks: readonly CheckReport[];
  /** Check id -> a protection that the subject does not claim and that is not there. */
  readonly weaker: Readonly<Record<string, string>>;
}
