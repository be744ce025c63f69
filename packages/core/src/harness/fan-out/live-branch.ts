import type { SnapshotStore } from '../../contract/snapshot-store.ts';
import type { Sandbox } from '../../contract/sandbox.ts';
import { SandboxError } from '../../errors/sandbox-error.ts';
import type { Budget } from '../policy/budget.ts';
import type { Policy } from '../policy/policy.ts';
import { keepArtifact } from '../run/artifact.ts';
import { Guard } from '../run/guard.ts';
import type { Pass } from '../run/pass.ts';
import { RecordedSandbox } from '../run/recorded-sandbox.ts';
import { LiveScope } from '../run/live-scope.ts';
import type { Artifact } from '../run/run-types.ts';
import { Scope, type ScopeHooks } from '../run/scope.ts';
import type { Branch } from './fan-out-types.ts';

/** What one try of a branch stands on. */
export interface LiveBranchOptions {
  readonly pass: Pass;
  readonly scope: string;
  readonly index: number;
  readonly attempt: number;
  readonly sandbox: Sandbox;
  readonly isRunning: () => Promise<boolean>;
  readonly policy: Policy;
  readonly budget: Budget;
  readonly store: SnapshotStore | undefined;
  readonly signal: AbortSignal;
}

/** One try of a branch, as its function sees it. */
export class LiveBranch extends LiveScope implements Branch {
  readonly index: number;
  readonly attempt: number;
  readonly signal: AbortSignal;
  readonly #options: LiveBranchOptions;

  constructor(options: LiveBranchOptions) {
    const { pass, scope, sandbox, policy, budget, signal } = options;
    const guard = new Guard(pass, scope, policy, budget);
    super(
      new Scope(scope, pass, hooks(options), guard),
      new RecordedSandbox(pass, guard, async () => sandbox, signal),
    );
    this.#options = options;
    this.index = options.index;
    this.attempt = options.attempt;
    this.signal = options.signal;
  }

  artifact(path: string): Promise<Artifact> {
    const { pass, store, scope, sandbox } = this.#options;
    const place = { scope, step: path };
    return this.scope.call({
      name: path,
      kind: 'artifact',
      effects: 'workspace',
      work: () => keepArtifact(pass, store, sandbox, place, path),
    });
  }
}

/** A branch's workspace is checked as a whole at its end; until then only failures are looked into. */
function hooks({ isRunning, scope }: LiveBranchOptions): ScopeHooks {
  return {
    async isLost(error) {
      if (error === undefined) return false;
      if (SandboxError.is(error) && error.code === 'unavailable') return true;
      return !(await isRunning());
    },
    lost: (reason) => lostBranch(scope, reason),
    recorded: async () => undefined,
    willCheck: () => true,
    // Whoever goes on begins the branch again in a fresh sandbox.
    outlives: false,
  };
}

/** The error of a branch whose sandbox is gone: worth another try in a fresh one. */
export function lostBranch(scope: string, reason: string): SandboxError {
  return new SandboxError('unavailable', `branch ${scope}: ${reason}`, {
    operation: 'run.fanOut',
    retryable: true,
    details: { reason: 'lost' },
  });
}
