import type { ConformanceRun, LiveCheck } from './conformance.ts';
import type { ErrorAnswer } from './errors.ts';
import type { EmulatorView } from './providers.ts';
import type { RunEventView } from './provenance.ts';
import type { RunSummary } from './runs.ts';
import type { SandboxView } from './sandboxes.ts';
import type { SnapshotView } from './snapshots.ts';

/** A long operation that a request began: `{operation}` in its answer is this `operation`. */
export interface ProgressEvent {
  readonly type: 'progress';
  readonly operation: string;
  readonly state: 'running' | 'done' | 'failed';
  /** In a few words: `unpacking 12 files`. */
  readonly what: string;
  readonly bytes?: number;
  /** Present where it is known, so that a bar can be shown. */
  readonly totalBytes?: number;
  /** With `done`: what it made. */
  readonly sandbox?: string;
  readonly snapshot?: string;
  /** With `failed`. */
  readonly error?: ErrorAnswer['error'];
}

/** What `GET /api/events` sends, one JSON text for each SSE message. The message's id is the number that `Last-Event-ID` names. */
export type ServerEvent =
  | ProgressEvent
  /** A sandbox was made or is in another state now. */
  | { readonly type: 'sandbox'; readonly sandbox: SandboxView }
  | { readonly type: 'sandbox-removed'; readonly id: string }
  | { readonly type: 'emulator'; readonly provider: string; readonly emulator: EmulatorView }
  | { readonly type: 'snapshot'; readonly snapshot: SnapshotView }
  /** Something of a comparison is another way now. Without what: with its outputs it is large, and changes often. */
  | { readonly type: 'comparison'; readonly id: string }
  | { readonly type: 'comparison-removed'; readonly id: string }
  | { readonly type: 'run'; readonly run: RunSummary }
  /** An event of a run's record, as it was committed. */
  | { readonly type: 'journal'; readonly run: string; readonly event: RunEventView }
  /** A conformance run began, ended or goes on; its checks come one by one. */
  | { readonly type: 'conformance'; readonly run: ConformanceRun }
  | {
      readonly type: 'check';
      readonly run: string;
      readonly check: LiveCheck;
      /** Checks that have ended, and all that there are. */
      readonly ended: number;
      readonly total: number;
    }
  /** Events were lost (the client was away for longer than the server remembers): fetch everything anew. */
  | { readonly type: 'reset' };
