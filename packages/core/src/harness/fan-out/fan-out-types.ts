import type { CreateOptions } from '../../contract/provider.ts';
import type { SandboxError } from '../../errors/sandbox-error.ts';
import type { Budgets } from '../policy/policy.ts';
import type { RunScope } from '../run/run-types.ts';

/** One branch of a fan-out, as its function sees it. */
export interface Branch extends RunScope {
  readonly index: number;
  /** From 1; counts the tries of earlier processes too. Each try has a fresh sandbox. */
  readonly attempt: number;
}

/** What each branch does. What it returns is recorded; a branch that is recorded is never run again. */
export type BranchFunction<Item, Value> = (
  branch: Branch,
  item: Item,
  index: number,
) => Promise<Value>;

/** What became of one branch. Plain JSON but for the reason. */
export type BranchResult<Value> =
  | {
      readonly status: 'fulfilled';
      readonly index: number;
      readonly value: Value;
      readonly attempts: number;
      readonly provider: string;
      /** The branch's workspace at its end, where `keep` asked for it, and its digest. */
      readonly snapshot?: string;
      readonly tree?: string;
      /** Digest of the workspace that the branch began with, where it was one of this run. */
      readonly base?: string;
      /** Snapshot of the workspace that the branch began with, where `keep` is `changes`. */
      readonly began?: string;
    }
  | {
      readonly status: 'rejected';
      readonly index: number;
      /** `cancelled` with `details.reason: 'enough'` for a branch that was not needed any more. */
      readonly reason: SandboxError;
      readonly attempts: number;
    };

/** A provider that a branch may go to. */
export interface RouteCandidate {
  readonly name: string;
  /** Creates that failed in a row, by this harness. */
  readonly failures: number;
  /** Branches that are there now. */
  readonly running: number;
}

/** How far a fan-out has got. */
export interface FanOutProgress {
  readonly total: number;
  readonly running: number;
  readonly fulfilled: number;
  readonly rejected: number;
  /** How many branches may run at once at the moment. */
  readonly concurrency: number;
  /** What just happened. */
  readonly index: number;
  readonly event: 'started' | 'fulfilled' | 'rejected' | 'retried' | 'throttled';
}

/** How a fan-out runs. */
export interface FanOutOptions<Item> {
  /**
   * What each branch begins with: the run's workspace as it is now (which is committed first), a snapshot by its id, or a
   * fresh sandbox of `sandbox`. Default `fresh`.
   */
  readonly from?: 'workspace' | 'fresh' | { readonly snapshot: string };
  /** How each branch's sandbox is made. Default: as the run's own. */
  readonly sandbox?:
    | Omit<CreateOptions, 'signal' | 'timeoutMs' | 'onSecret'>
    | ((item: Item, index: number) => Omit<CreateOptions, 'signal' | 'timeoutMs' | 'onSecret'>);
  /** At most so many at once; fewer while a provider answers `resource-exhausted`. Default 8. */
  readonly concurrency?: number;
  /** Tries of a branch in all, each in a fresh sandbox. Default 3. */
  readonly attempts?: number;
  /** Which failures are worth another try. Default: lost sandboxes, and errors that say so (`retryable`). */
  readonly retry?: (error: SandboxError) => boolean;
  /** Milliseconds that one try may take; more is `deadline-exceeded`. */
  readonly branchTimeoutMs?: number;
  /** For all branches together; what is over is rejected with `resource-exhausted`. */
  readonly budgets?: Budgets & { readonly attempts?: number };
  /** Stops once so many branches have succeeded; the others are cancelled and destroyed. Default: all. */
  readonly minSuccess?: number;
  /**
   * Which providers to try, best first. `first`: the run's own, then the others in their order. `spread`: the one with the
   * fewest branches for its weight. Providers that failed last come last in both. Or names, or a function. Default `first`.
   */
  readonly route?:
    | 'first'
    | 'spread'
    | readonly string[]
    | ((item: Item, candidates: readonly RouteCandidate[]) => readonly string[]);
  /** For `spread`, by provider name; 1 where nothing is said. */
  readonly weights?: Readonly<Record<string, number>>;
  /**
   * `snapshot` keeps each successful branch's workspace in the store, for `diff` and `adopt`; `changes` also what it began with,
   * for `merge`.
   */
  readonly keep?: 'snapshot' | 'changes';
  readonly onProgress?: (progress: FanOutProgress) => void;
}
