import type { Sandbox } from '@gantry/core';
import type {
  Manifest,
  SandboxArchiveLimits,
  SandboxClient,
  SandboxClientCreateArgs,
  SandboxClientResumeOptions,
} from '@openai/agents/sandbox';
import {
  checkClientOptions,
  checkRunOptions,
  type GantryRunOptions,
  type GantrySandboxClientOptions,
} from './client-options.ts';
import { createSandbox, localSources, rehydrateOptions, restoreLimits } from './create-sandbox.ts';
import { GantrySandboxSession } from './gantry-sandbox-session.ts';
import {
  isManifest,
  type ManifestSource,
  portableManifest,
  resolvedEnvironment,
} from './manifest/portable-manifest.ts';
import { type GantrySessionState, seedOf, stateOfRecord, stateRecord } from './session-state.ts';

/** What a session was made with, for whatever takes its sandbox's place. */
interface SessionOrigin {
  readonly run: GantryRunOptions;
  readonly archiveLimits?: SandboxArchiveLimits | null | undefined;
}

/**
 * Gives the sandbox agents of the OpenAI Agents SDK the sandboxes of any Gantry provider. It imports none of the SDK's code, so it
 * does not matter how many copies of it a program has.
 */
export class GantrySandboxClient implements SandboxClient<GantryRunOptions, GantrySessionState> {
  /** `gantry:` and the provider's id: saved states of one provider are not taken by another. */
  readonly backendId: string;
  readonly #options: GantrySandboxClientOptions;
  readonly #sessions = new WeakMap<object, GantrySandboxSession>();

  /** Throws `invalid-argument` for an option that there is not, `unsupported` for one that the provider cannot honour. */
  constructor(options: GantrySandboxClientOptions) {
    checkClientOptions(options);
    this.#options = options;
    this.backendId = `gantry:${options.provider.id}`;
  }

  /** A fresh sandbox. The runner closes what it makes; what you make yourself, you close. */
  create(args?: SandboxClientCreateArgs<GantryRunOptions>): Promise<GantrySandboxSession>;
  create(manifest: Manifest, options?: GantryRunOptions): Promise<GantrySandboxSession>;
  async create(
    given: SandboxClientCreateArgs<GantryRunOptions> | Manifest = {},
    manifestOptions?: GantryRunOptions,
  ): Promise<GantrySandboxSession> {
    // Not by the class: the manifest may come from another copy of the SDK.
    const args: SandboxClientCreateArgs<GantryRunOptions> = isManifest(given)
      ? // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- its fields tell it
        { manifest: given as Manifest, ...(manifestOptions ? { options: manifestOptions } : {}) }
      : // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the overloads leave nothing else
        (given as SandboxClientCreateArgs<GantryRunOptions>);
    const source: ManifestSource = args.manifest ?? {};
    const manifest = portableManifest(source);
    const environment = await resolvedEnvironment(manifest.environment);
    const run = this.#runOptions(args.options);
    const { archiveLimits } = args;
    const sandbox = await createSandbox({
      client: this.#options,
      ...{ run, manifest, environment, seed: seedOf(args.snapshot) },
      limits: restoreLimits(archiveLimits),
    });
    const state = { ref: sandbox.ref, manifest, environment, workspaceReady: true };
    return this.#session(sandbox, state, { run, archiveLimits });
  }

  /** Destroys the sandbox of a state. Idempotent. */
  async delete(state: GantrySessionState): Promise<void> {
    await this.#options.provider.destroy(state.ref);
  }

  /** Whether a state that is saved at the end of a run leads anywhere once the run is over. */
  canPersistOwnedSessionState(): boolean {
    const { afterRun = 'destroy', snapshots } = this.#options;
    return afterRun !== 'destroy' || snapshots !== undefined;
  }

  /** Whether the session of an interrupted run can simply go on in this process. */
  async canReusePreservedOwnedSession({ ref }: GantrySessionState): Promise<boolean> {
    return (await this.#options.provider.inspect(ref)).state === 'running';
  }

  /** The state as JSON without a credential. With a snapshot store the workspace is kept there first. */
  async serializeSessionState(state: GantrySessionState): Promise<Record<string, unknown>> {
    if (this.#options.snapshots) await this.#saveSnapshot(state);
    return stateRecord(state);
  }

  /** Checks a saved state. Throws `invalid-argument` for what is none. */
  async deserializeSessionState(record: Record<string, unknown>): Promise<GantrySessionState> {
    return stateOfRecord(record);
  }

  /**
   * The same sandbox where it still is, woken if need be; else one with the contents of the state's snapshot. Where there is neither,
   * `not-found`: an empty workspace never takes the place of a lost one.
   */
  async resume(
    state: GantrySessionState,
    options: SandboxClientResumeOptions<GantryRunOptions> = {},
  ): Promise<GantrySandboxSession> {
    const { provider, snapshots } = this.#options;
    const environment = {
      ...state.environment,
      ...(await resolvedEnvironment(state.manifest.environment)),
    };
    const snapshot = seedOf(state.snapshot);
    const run = this.#runOptions(options.clientOptions);
    const { archiveLimits } = options;
    const limits = restoreLimits(archiveLimits);
    const rehydrate = rehydrateOptions({ client: this.#options, run, environment, limits });
    const sandbox = await provider.recover(
      state.ref,
      snapshot !== undefined && snapshots
        ? { rehydrate: { ...rehydrate, snapshot, store: snapshots } }
        : {},
    );
    const { ref } = sandbox;
    return this.#session(sandbox, { ...state, ref, environment }, { run, archiveLimits });
  }

  async #saveSnapshot(state: GantrySessionState): Promise<void> {
    const live = this.#sessions.get(state);
    if (live) {
      await live.saveSnapshot();
      return;
    }
    const sandbox = await this.#options.provider.connect(state.ref);
    try {
      await this.#session(sandbox, state, { run: this.#runOptions() }).saveSnapshot();
    } finally {
      await sandbox.release();
    }
  }

  #session(
    sandbox: Sandbox,
    state: GantrySessionState,
    { run, archiveLimits }: SessionOrigin,
  ): GantrySandboxSession {
    const client = this.#options;
    const { provider, afterRun = 'destroy', snapshots } = client;
    const session = new GantrySandboxSession(sandbox, state, {
      ...{ afterRun, snapshots, archiveLimits },
      rehydrate: (snapshot, store, limits, environment) =>
        provider.rehydrate(snapshot, store, rehydrateOptions({ client, run, environment, limits })),
      localSources: (manifest) => localSources(this.#options, manifest),
    });
    this.#sessions.set(state, session);
    return session;
  }

  #runOptions(given: GantryRunOptions = {}): GantryRunOptions {
    const { manifest, labels, maxLifetimeMs } = this.#options;
    const own = { manifest, labels, maxLifetimeMs };
    const said = Object.entries({ ...own, ...checkRunOptions(given) });
    return Object.fromEntries(said.filter(([, value]) => value !== undefined));
  }
}
