import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { SandboxError } from '@gantry/core';
import type { BranchView, CompareRequest, ComparisonView } from '../../protocol/compare.ts';
import type { SharedContext } from '../demo-context.ts';
import { StateFile } from '../state-file.ts';
import { runBranch } from './run-branch.ts';
import { makeBranches } from './make-branches.ts';

/** Outputs come in many small pieces: pages are told of them so many milliseconds apart. */
const apart = 200;

interface Running {
  readonly stop: AbortController;
  /** Each ends the work of one branch, which is then compared as any other. */
  readonly branches: readonly AbortController[];
  readonly ended: Promise<void>;
}

/** Comparisons: one snapshot, a sandbox with its contents for each branch, a command or an agent in each, and what it changed. */
export class Comparisons implements AsyncDisposable {
  readonly #demo: SharedContext;
  readonly #views = new Map<string, ComparisonView>();
  readonly #running = new Map<string, Running>();
  readonly #told = new Map<string, NodeJS.Timeout>();
  readonly #file: StateFile<readonly ComparisonView[]>;

  constructor(demo: SharedContext) {
    this.#demo = demo;
    this.#file = new StateFile(path.join(demo.stateDirectory, 'comparisons.json'));
  }

  async open(): Promise<void> {
    for (const view of await this.#file.read([])) {
      const state = view.state === 'running' ? 'stopped' : view.state;
      this.#views.set(view.id, { ...view, state, branches: view.branches.map(interrupted) });
    }
  }

  /** The newest first. */
  list(): readonly ComparisonView[] {
    return [...this.#views.values()].toSorted((a, b) => b.startedAt - a.startedAt);
  }

  view(id: string): ComparisonView {
    const view = this.#views.get(id);
    if (view) return view;
    throw new SandboxError('not-found', `there is no comparison ${id}`);
  }

  /** Begins one; what is wrong with the request is thrown before. Returns its id. */
  async start(request: CompareRequest): Promise<string> {
    const { snapshots, providers } = this.#demo;
    const snapshot = await snapshots.read(request.snapshot);
    for (const { provider } of request.branches) await providers.use(provider);
    const id = randomUUID();
    this.#put({
      ...{ id, snapshot: snapshot.id, state: 'running', startedAt: Date.now() },
      branches: request.branches.map((branch, index) => ({
        ...{ index, ...branch, state: 'waiting', output: '', outputBytes: 0 },
        emulated: providers.isEmulated(branch.provider),
      })),
    });
    const stop = new AbortController();
    const branches = request.branches.map(() => new AbortController());
    const work = branches.map(({ signal }) => signal);
    this.#running.set(id, { stop, branches, ended: this.#run(id, stop.signal, work) });
    return id;
  }

  /** Ends a branch's command or agent, as it begins where it has not yet; what it has done by then is compared. Once it has ended, nothing changes. */
  stopBranch(id: string, index: number): ComparisonView {
    const { branches } = this.view(id);
    if (!branches[index])
      throw new SandboxError('not-found', `the comparison has no branch ${index}`);
    this.#running.get(id)?.branches[index]?.abort(new SandboxError('cancelled', 'stopped by hand'));
    return this.view(id);
  }

  /** Keeps one branch's sandbox, and ends the others'. */
  async keep(id: string, index: number): Promise<ComparisonView> {
    const { branches } = this.view(id);
    const { sandbox, snapshot } = branches[index] ?? {};
    if (sandbox === undefined) {
      const message = `branch ${index} of the comparison has no sandbox`;
      throw new SandboxError('failed-precondition', message);
    }
    await this.#stop(id);
    await this.#end(id, (branch) => branch.index !== index);
    this.#branch(id, index, { state: 'kept' });
    if (snapshot !== undefined) await this.#demo.sandboxes.isAs(sandbox, snapshot);
    this.#put({ ...this.view(id), kept: index });
    return this.view(id);
  }

  /** Ends its sandboxes but the one that was kept, and forgets it. */
  async remove(id: string): Promise<void> {
    const { kept } = this.view(id);
    await this.#stop(id);
    await this.#end(id, ({ index }) => index !== kept);
    this.#views.delete(id);
    this.#demo.events.publish({ type: 'comparison-removed', id });
    await this.#save();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#running.keys()].map((id) => this.#stop(id)));
    for (const timer of this.#told.values()) clearTimeout(timer);
    await this.#save();
  }

  async #run(id: string, signal: AbortSignal, work: readonly AbortSignal[]): Promise<void> {
    const { startedAt, branches, snapshot } = this.view(id);
    const context = { id, demo: this.#demo, signal, work, startedAt, snapshot };
    const update = (index: number, facts: Partial<BranchView>): void =>
      this.#branch(id, index, facts);
    const groups = Map.groupBy(branches, ({ provider }) => provider);
    await Promise.all(
      [...groups.values()].map((group) =>
        makeBranches(group, context, update, (branch, sandbox) =>
          runBranch(branch, sandbox, context, (facts) => update(branch.index, facts)),
        ),
      ),
    );
    this.#running.delete(id);
    this.#put({ ...this.view(id), state: signal.aborted ? 'stopped' : 'done' });
  }

  async #stop(id: string): Promise<void> {
    const running = this.#running.get(id);
    running?.stop.abort();
    await running?.ended;
  }

  async #end(id: string, which: (branch: BranchView) => boolean): Promise<void> {
    const { sandboxes } = this.#demo;
    const known = new Set(sandboxes.list().map((sandbox) => sandbox.id));
    await Promise.all(
      this.view(id).branches.map(async (branch) => {
        if (!which(branch)) return;
        if (branch.sandbox !== undefined && known.has(branch.sandbox))
          await sandboxes.destroy(branch.sandbox);
        this.#branch(id, branch.index, { state: 'gone' });
      }),
    );
  }

  #branch(id: string, index: number, facts: Partial<BranchView>): void {
    const view = this.view(id);
    const branches = view.branches.map((branch) =>
      branch.index === index ? { ...branch, ...facts } : branch,
    );
    this.#put({ ...view, branches });
  }

  #put(view: ComparisonView): void {
    this.#views.set(view.id, view);
    if (this.#told.has(view.id)) return;
    const tell = (): void => {
      this.#told.delete(view.id);
      if (!this.#views.has(view.id)) return;
      this.#demo.events.publish({ type: 'comparison', id: view.id });
      this.#save().catch((error: unknown) => console.error('comparisons cannot be kept:', error));
    };
    this.#told.set(view.id, setTimeout(tell, apart));
  }

  async #save(): Promise<void> {
    await this.#file.write([...this.#views.values()]);
  }
}

/** A branch of which an earlier server did not see the end. */
function interrupted(branch: BranchView): BranchView {
  const over = ['done', 'failed', 'kept', 'gone'].includes(branch.state);
  if (over) return branch;
  const message = 'the demo was ended while this branch ran';
  return { ...branch, state: 'failed', error: { code: 'cancelled', message } };
}
