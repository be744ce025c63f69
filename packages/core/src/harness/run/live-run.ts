import type { SnapshotStore } from '../../contract/snapshot-store.ts';
import type { BranchFunction, BranchResult, FanOutOptions } from '../fan-out/fan-out-types.ts';
import type { Json } from '../journal/run-event.ts';
import type { Budget } from '../policy/budget.ts';
import type { Policy } from '../policy/policy.ts';
import { keepArtifact } from './artifact.ts';
import { Guard } from './guard.ts';
import type { Pass } from './pass.ts';
import { RecordedSandbox } from './recorded-sandbox.ts';
import type { RunWorkspace } from './run-workspace.ts';
import { LiveScope } from './live-scope.ts';
import type { Artifact, MergeOutcome, Run } from './run-types.ts';
import { adoptBranch, mergeBranch, mergeOutcome } from './take-branch.ts';
import { runScope } from './run-state.ts';
import { Scope } from './scope.ts';

/** What a run's function is handed stands on this. */
export interface LiveRunOptions {
  readonly pass: Pass;
  readonly name: string;
  readonly input: Json;
  readonly workspace: RunWorkspace;
  readonly policy: Policy;
  readonly budget: Budget;
  readonly store: SnapshotStore | undefined;
  readonly fanOut: FanOutStarter;
}

/** Carries out a fan-out for a run. */
export type FanOutStarter = <Item, Value>(
  run: { readonly scope: Scope; readonly workspace: RunWorkspace; readonly pass: Pass },
  name: string,
  items: readonly Item[],
  work: BranchFunction<Item, Value>,
  options: FanOutOptions<Item>,
) => Promise<readonly BranchResult<Value>[]>;

/** One pass of a run, as its function sees it. */
export class LiveRun extends LiveScope implements Run {
  readonly id: string;
  readonly name: string;
  readonly input: Json;
  readonly #options: LiveRunOptions;

  constructor(options: LiveRunOptions) {
    const { pass, workspace, policy, budget } = options;
    const guard = new Guard(pass, runScope, policy, budget);
    super(
      new Scope(runScope, pass, workspace, guard),
      new RecordedSandbox(pass, guard, () => workspace.sandbox()),
    );
    this.#options = options;
    this.id = pass.run;
    this.name = options.name;
    this.input = options.input;
  }

  get signal(): AbortSignal {
    return this.#options.pass.signal;
  }

  artifact(path: string): Promise<Artifact> {
    const { pass, store, workspace } = this.#options;
    return this.scope.call({
      name: path,
      kind: 'artifact',
      effects: 'workspace',
      work: async () => keepArtifact(pass, store, await workspace.sandbox(), { step: path }, path),
    });
  }

  checkpoint(): Promise<void> {
    const { pass, workspace } = this.#options;
    pass.throwIfEnded();
    return this.scope.alone(() => workspace.checkpoint());
  }

  fanOut<Item, Value>(
    name: string,
    items: readonly Item[],
    work: BranchFunction<Item, Value>,
    options: FanOutOptions<Item> = {},
  ): Promise<readonly BranchResult<Value>[]> {
    const { pass, workspace, fanOut } = this.#options;
    return fanOut({ scope: this.scope, workspace, pass }, name, items, work, options);
  }

  async adopt(name: string, branch: BranchResult<unknown>): Promise<void> {
    const work = (): Promise<void> => adoptBranch(this.#options.workspace, branch);
    await this.scope.call({ name, kind: 'adopt', effects: 'workspace', work });
  }

  merge(name: string, branch: BranchResult<unknown>): Promise<MergeOutcome> {
    const { pass, workspace } = this.#options;
    const work = (): Promise<MergeOutcome> => mergeBranch(pass, workspace, branch);
    const schema = mergeOutcome;
    return this.scope.call({ name, kind: 'merge', effects: 'workspace', schema, work });
  }
}
