import type { CreateOptions, Provider } from '../../contract/provider.ts';
import type { Sandbox } from '../../contract/sandbox.ts';
import type { ForkOptions } from '../../contract/snapshot-types.ts';
import { SandboxError } from '../../errors/sandbox-error.ts';
import { exposedNames } from '../../manifest/manifest-secrets.ts';
import { leaseFresh } from '../lease/lease-fresh.ts';
import type { LeasedSandbox, LeaseTerms } from '../lease/leased-sandbox.ts';
import type { Pool } from '../lease/pool.ts';
import type { Budget } from '../policy/budget.ts';
import type { Policy } from '../policy/policy.ts';
import { checkpointSpan } from '../telemetry/spans.ts';
import type { Pass } from './pass.ts';
import { persist } from './persist.ts';
import { recordEgress } from './record-egress.ts';
import { sandboxName } from './recorded-sandbox.ts';
import type { CheckpointPolicy, RunOptions } from './run-types.ts';
import type { ScopeHooks } from './scope.ts';
import { type SavedWorkspace, withoutContents, type WorkspaceSaver } from './workspace-saver.ts';

/** What a run's workspace is made with. */
export interface RunWorkspaceOptions {
  readonly provider: Provider;
  readonly terms: LeaseTerms;
  readonly pool: Pool | undefined;
  readonly saver: WorkspaceSaver | undefined;
  readonly budget: Budget;
  readonly sandbox: NonNullable<RunOptions['sandbox']>;
  readonly policy: Policy;
  readonly checkpoints: CheckpointPolicy;
  /** Whether checkpoints may hold known secrets. */
  readonly acknowledgeSecrets: boolean;
}

/** The sandbox of a run: made or made again from the last checkpoint when it is first used, and saved by the policy. */
export class RunWorkspace implements ScopeHooks {
  readonly #pass: Pass;
  readonly #options: RunWorkspaceOptions;
  #leased: Promise<LeasedSandbox> | undefined;
  #saved: SavedWorkspace | undefined;
  #dirty: boolean;
  #stepsSince = 0;
  #savedAt: number = performance.now();

  /** `attached` is a sandbox of an earlier process that is as the journal says. */
  constructor(pass: Pass, options: RunWorkspaceOptions, attached?: LeasedSandbox) {
    this.#pass = pass;
    this.#options = options;
    this.#saved = pass.state.checkpoint;
    this.#dirty = pass.state.dirty;
    if (attached) this.#leased = Promise.resolve(attached);
  }

  /** What the last checkpoint holds. */
  get saved(): SavedWorkspace | undefined {
    return this.#saved;
  }

  /** Throws `failed-precondition` where the harness has no store. */
  get saver(): WorkspaceSaver {
    const { saver } = this.#options;
    if (saver) return saver;
    throw new SandboxError(
      'failed-precondition',
      'a checkpoint needs a store for snapshots: give createHarness a store',
      { operation: 'run.checkpoint' },
    );
  }

  async sandbox(): Promise<Sandbox> {
    const opening = (this.#leased ??= this.#open());
    try {
      return (await opening).sandbox;
    } catch (error) {
      // The next who asks may have better luck.
      if (this.#leased === opening) this.#leased = undefined;
      throw error;
    }
  }

  readonly outlives: boolean = true;

  willCheck(): boolean {
    return this.#isDue(this.#stepsSince + 1);
  }

  async recorded(): Promise<void> {
    this.#dirty = true;
    this.#stepsSince += 1;
    if (this.#isDue(this.#stepsSince)) await this.checkpoint();
  }

  async isLost(error?: unknown): Promise<boolean> {
    // What lost its link may have done anything; what could not begin was waited for long enough.
    if (SandboxError.is(error) && error.code === 'unavailable') return true;
    const made = await settledOr(this.#leased);
    // It could not be made: nothing was lost, and the error says what is wrong.
    if (!made) return false;
    const { provider } = this.#options;
    const { state } = await persist(
      'sandbox.inspect',
      () => provider.inspect(made.sandbox.ref),
      this.#pass.signal,
    );
    return state !== 'running';
  }

  lost(reason: string): SandboxError {
    return this.#pass.stop({ kind: 'rollback', reason });
  }

  /** Commits the workspace as it is now, be it still empty, and tells what it was committed as. */
  async commit(): Promise<SavedWorkspace> {
    if (!this.#saved) {
      await this.sandbox();
      this.#dirty = true;
    }
    await this.checkpoint();
    if (this.#saved) return this.#saved;
    throw new SandboxError('internal', 'a checkpoint left nothing', {
      operation: 'run.checkpoint',
    });
  }

  /** Saves the workspace where it may differ from what was saved last. A sandbox that is gone ends the pass. */
  async checkpoint(): Promise<void> {
    if (!this.#dirty) return;
    const saver = this.saver;
    const sandbox = await this.sandbox();
    const parent = this.#saved?.snapshot;
    const before = this.#saved?.tree;
    const span = checkpointSpan(this.#pass.run, sandboxName(sandbox.ref));
    let saved: SavedWorkspace;
    try {
      saved = await persist(
        'checkpoint',
        () => this.#pass.span(span, () => this.#save(saver, sandbox, parent)),
        this.#pass.signal,
      );
    } catch (error) {
      this.#pass.throwIfEnded();
      if (!(await this.isLost())) throw error;
      const reason = `the sandbox was lost at a checkpoint (${String(error)})`;
      throw this.#pass.stop({ kind: 'rollback', reason });
    }
    await this.#pass.log.commit(
      {
        type: 'checkpoint',
        sandbox: sandboxName(sandbox.ref),
        snapshot: saved.snapshot,
        after: saved.tree,
        ...(before === undefined ? {} : { before }),
      },
      undefined,
      { sign: true },
    );
    this.#saved = saved;
    this.#dirty = false;
    this.#stepsSince = 0;
    this.#savedAt = performance.now();
  }

  /** A clone by the provider's own fork, while the workspace is exactly what was saved as that tree; else nothing. */
  async clone(tree: string, options: ForkOptions): Promise<Sandbox | undefined> {
    const leased = await settledOr(this.#leased);
    if (!leased || this.#dirty || this.#saved?.tree !== tree) return undefined;
    if (leased.sandbox.capabilities.fork?.from !== 'live') return undefined;
    const [made] = await leased.sandbox.fork(1, options);
    if (made?.status === 'fulfilled') return made.value;
    throw made?.reason;
  }

  /** Saves what the run ends with, where there is a store to keep it. */
  async finish(): Promise<void> {
    if (this.#options.saver) await this.checkpoint();
  }

  /** Puts a saved workspace in the place of this one. */
  async replace(saved: SavedWorkspace): Promise<void> {
    await this.destroy('another workspace takes its place');
    this.#saved = saved;
    this.#leased = this.#open();
    await this.#leased;
  }

  async destroy(reason: string): Promise<void> {
    const leased = await settledOr(this.#leased);
    this.#leased = undefined;
    if (!leased) return;
    await leased.destroy();
    const sandbox = sandboxName(leased.sandbox.ref);
    this.#pass.log.note({
      type: 'sandbox.destroyed',
      sandbox,
      facts: { reason, lease: leased.lease },
    });
  }

  /** Lets go of the sandbox without a word in the journal: for a process that has lost its run. */
  async release(): Promise<void> {
    await (await settledOr(this.#leased))?.release();
  }

  #isDue(steps: number): boolean {
    const { checkpoints: policy, saver } = this.#options;
    if (!saver) return false;
    if (policy === 'every-step') return true;
    if (policy === 'on-demand') return false;
    if ('everySteps' in policy) return steps >= policy.everySteps;
    return performance.now() - this.#savedAt >= policy.everyMs;
  }

  async #save(
    saver: WorkspaceSaver,
    sandbox: Sandbox,
    parent: string | undefined,
  ): Promise<SavedWorkspace> {
    try {
      const { signal, log } = this.#pass;
      const secrets = this.#options.acknowledgeSecrets ? [] : log.secrets.values();
      return await saver.save(sandbox, parent, { signal, secrets });
    } catch (error) {
      if (!(await this.isLost())) throw error;
      // Not worth another try: there is nothing left to save.
      const final = SandboxError.is(error) ? error.with({ retryable: false }) : error;
      throw final;
    }
  }

  async #open(): Promise<LeasedSandbox> {
    const { provider, terms, budget, sandbox } = this.#options;
    const { log, state } = this.#pass;
    const options = { ...sandbox, onSecret: log.secrets.learn };
    budget.spend('sandboxes');
    const saved = this.#saved;
    const facts = { provider: provider.id };
    const onLease = async (lease: string): Promise<void> => {
      await log.commit({ type: 'sandbox.creating', facts: { ...facts, lease } });
    };
    const { pool, policy } = this.#options;
    const { signal } = this.#pass;
    const restore =
      saved &&
      ((request: CreateOptions): Promise<Sandbox> =>
        this.saver.restore(provider, saved.snapshot, withoutContents(request)));
    const make = (): Promise<LeasedSandbox> =>
      leaseFresh({ terms, pool, policy, provider, options, signal, onLease, restore });
    const leased = await persist('sandbox.create', make, this.#pass.signal);
    const { ref, receipt } = leased.sandbox;
    const manifest = saved === undefined ? receipt?.planDigest : undefined;
    const exposed = exposedNames(options.manifest);
    await log.commit({
      type: 'sandbox.created',
      sandbox: sandboxName(ref),
      facts: {
        ...{ ...facts, lease: leased.lease, ref: JSON.stringify(ref) },
        ...(exposed.length === 0 ? {} : { exposed }),
      },
      ...(manifest === undefined ? {} : { manifest }),
      ...(saved === undefined ? {} : { snapshot: saved.snapshot, after: saved.tree }),
    });
    recordEgress(log, leased.sandbox);
    if (manifest !== undefined && state.manifest !== undefined && manifest !== state.manifest) {
      await leased.destroy();
      const message = `run ${this.#pass.run} began with other files: a source of its manifest has changed since; put it back, or begin a new run`;
      throw new SandboxError('aborted', message, { operation: 'run', retryable: false });
    }
    return leased;
  }
}

/** What a promise gave; nothing where it failed, which whoever waited for it was told. */
async function settledOr<Result>(
  promise: Promise<Result> | undefined,
): Promise<Result | undefined> {
  try {
    return await promise;
  } catch {
    return undefined;
  }
}
