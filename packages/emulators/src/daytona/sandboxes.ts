import type { Capabilities } from '@gantry/core';
import { EmulatedSandboxes } from '../chassis/emulated-sandboxes.ts';
import type { EmulatorContext } from '../chassis/emulator.ts';
import { RateLimit } from '../chassis/quota.ts';
import { ApiError, noSandbox } from './api-error.ts';
import { DaytonaSandbox, type SandboxState } from './daytona-sandbox.ts';
import type { Events } from './events.ts';
import { guestRequest, imageOf, prepareGuest } from './guest.ts';
import { requireMachine, requireReal, requireState, requireSuspend } from './sandbox-checks.ts';
import { nextChange } from './next-change.ts';
import { sandboxView } from './sandbox-view.ts';
import { type SnapshotShape, type Snapshots, unpack } from './snapshots.ts';
import type { Volumes } from './volumes.ts';
import type { NewSandbox } from './wire-bodies.ts';

/** What the sandboxes of an emulator share. */
export interface DaytonaParts {
  readonly context: EmulatorContext;
  readonly events: Events;
  readonly snapshots: Snapshots;
  readonly volumes: Volumes;
}

/** A state that a sandbox goes through, and the one that it ends in. */
type Passage = readonly [through: SandboxState, to: SandboxState];

/** The sandboxes of one emulator and their states, each change of which is told as an event. */
export class DaytonaSandboxes {
  readonly parts: DaytonaParts;
  readonly #real: EmulatedSandboxes<DaytonaSandbox>;
  readonly #sandboxes = new Map<string, DaytonaSandbox>();
  readonly #creates: RateLimit;
  #probed: Promise<Capabilities> | undefined;

  constructor(parts: DaytonaParts) {
    const { provider, clock, quotas } = parts.context;
    this.parts = parts;
    this.#real = new EmulatedSandboxes(provider, clock);
    this.#creates = new RateLimit(clock, quotas.createsPerSecond);
  }

  /** By id or name. Throws the vendor's 404. */
  get(idOrName: string): DaytonaSandbox {
    const byId = this.#sandboxes.get(idOrName);
    const found = byId ?? this.list().find(({ name }) => name === idOrName);
    if (found) return found;
    throw noSandbox(idOrName);
  }

  find(id: string): DaytonaSandbox | undefined {
    return this.#sandboxes.get(id);
  }

  /** Oldest first. */
  list(): readonly DaytonaSandbox[] {
    return [...this.#sandboxes.values()];
  }

  /** Begins to make one; events tell how that goes on. */
  async create(request: NewSandbox): Promise<DaytonaSandbox> {
    const { context, volumes } = this.parts;
    const { quotas, provider, clock } = context;
    const shape = this.#shapeOf(request);
    const capabilities = await this.#probe();
    const options = guestRequest(provider, capabilities, request, shape, volumes);
    // From here on nothing is waited for: of many that come at once no more get through than may.
    if (request.name !== undefined && this.list().some(({ name }) => name === request.name)) {
      throw new ApiError(409, `Sandbox with name ${request.name} already exists`);
    }
    const wait = this.#creates.take();
    if (wait > 0) throw new ApiError(429, 'ThrottlerException: Too Many Requests', undefined, wait);
    const running = this.list().filter(({ state }) => !idle.has(state)).length;
    if (running >= (quotas.runningSandboxes ?? Infinity)) {
      throw new ApiError(
        403,
        'Total CPU limit exceeded: the maximum of running sandboxes is reached',
      );
    }
    const sandbox = new DaytonaSandbox(request, shape, clock.now());
    sandbox.env = { ...shape.env, ...request.env };
    for (const secret of [sandbox.previewToken, sandbox.signingKey]) context.conceal(secret);
    this.#sandboxes.set(sandbox.id, sandbox);
    this.schedule(sandbox);
    const missing =
      shape.image !== undefined && !capabilities.images
        ? `image ${shape.image} not found: provider ${provider.id} has no images`
        : undefined;
    const make = async (): Promise<void> => {
      if (missing !== undefined) throw new Error(missing);
      const env = sandbox.env;
      const manifest = { ...options.manifest, spec: 'gantry-manifest/1' as const, env };
      const made = await this.#real.create(sandbox.id, { manifest }, sandbox, async (fresh) => {
        await prepareGuest(fresh, request.volumes ?? []);
        await unpack(fresh, shape);
      });
      sandbox.real = made;
      made.onInterruption(() => this.#interrupted(sandbox));
    };
    void this.#pass(sandbox, ['creating', 'started'], make, shape.image ? 'build_failed' : 'error');
    this.parts.events.created(this.view(sandbox));
    return sandbox;
  }

  view(sandbox: DaytonaSandbox): object {
    return sandboxView(this.parts.context, sandbox);
  }

  start(sandbox: DaytonaSandbox): void {
    const { state } = sandbox;
    if (state === 'started' || state === 'starting') return;
    const through = wayUp[state];
    if (through === undefined) throw new ApiError(400, `Sandbox is not in valid state: ${state}`);
    const resume = async (): Promise<void> => {
      const real = requireReal(sandbox);
      if (real.state === 'suspended') await this.#real.resume(real, 'restore');
      real.onInterruption(() => this.#interrupted(sandbox));
      sandbox.lastActivityAt = this.parts.context.clock.now();
    };
    void this.#pass(sandbox, [through, 'started'], resume);
  }

  /** Ends every process and keeps the disk. */
  stop(sandbox: DaytonaSandbox): void {
    requireState(sandbox, 'started');
    requireSuspend(sandbox);
    void this.#pass(sandbox, ['stopping', 'stopped'], async () => {
      sandbox.sessions.forget();
      sandbox.terminals.forget();
      await this.#real.suspend(requireReal(sandbox), 'disk');
      sandbox.stoppedAt = this.parts.context.clock.now();
    });
  }

  /** Keeps the memory too, which only virtual machines can. */
  pause(sandbox: DaytonaSandbox): void {
    requireMachine(sandbox, 'Pausing');
    requireState(sandbox, 'started');
    requireSuspend(sandbox);
    void this.#pass(sandbox, ['pausing', 'paused'], () =>
      this.#real.suspend(requireReal(sandbox), 'memory'),
    );
  }

  archive(sandbox: DaytonaSandbox): void {
    requireState(sandbox, 'stopped');
    void this.#pass(sandbox, ['archiving', 'archived'], () => Promise.resolve());
  }

  destroy(sandbox: DaytonaSandbox): void {
    if (sandbox.state === 'destroying' || sandbox.state === 'destroyed') return;
    sandbox.alarm?.[Symbol.dispose]();
    this.#become(sandbox, 'destroying');
    const end = async (): Promise<void> => {
      if (sandbox.real) await this.#real.end(sandbox.real);
      this.#sandboxes.delete(sandbox.id);
      for (const clean of sandbox.cleanups) clean();
    };
    void this.#pass(sandbox, ['destroying', 'destroyed'], end);
  }

  /** Keeps its disk under a name. */
  async snapshot(sandbox: DaytonaSandbox, name: string): Promise<void> {
    const { snapshots, context } = this.parts;
    requireState(sandbox, 'started');
    snapshots.requireFree(name);
    const { id: _id, file: _file, ...shape } = sandbox.shape;
    void this.#pass(sandbox, ['snapshotting', 'started'], async () => {
      const file = await snapshots.pack(requireReal(sandbox).sandbox);
      const { env } = sandbox;
      const origin = { sourceSandboxId: sandbox.id, createdAt: context.clock.now() };
      snapshots.add({ ...shape, ...origin, name, file, env });
    });
  }

  /** A second one with the same disk, of a virtual machine. */
  async fork(sandbox: DaytonaSandbox, name: string | undefined): Promise<DaytonaSandbox> {
    requireMachine(sandbox, 'Forking');
    requireState(sandbox, 'started');
    const { snapshots, context } = this.parts;
    const { name: _name, volumes: _volumes, ...request } = sandbox.request;
    const shape = await sandbox.alone(async () => {
      const file = await snapshots.pack(requireReal(sandbox).sandbox);
      const hidden = { name: `fork-${sandbox.id}-${context.clock.now()}-${Math.random()}`, file };
      return snapshots.add({ ...sandbox.shape, ...hidden, env: sandbox.env });
    });
    const asked = { ...request, snapshot: shape.name, ...(name === undefined ? {} : { name }) };
    const forget = (): void => {
      if (snapshots.find(shape.id)) snapshots.remove(shape.id);
    };
    try {
      const forked = await this.create(asked);
      void forked.alone(() => Promise.resolve(forget()));
      return forked;
    } catch (error) {
      forget();
      throw error;
    }
  }

  /** It is in use: what happens after so many idle minutes begins anew. */
  touch(sandbox: DaytonaSandbox): void {
    sandbox.lastActivityAt = this.parts.context.clock.now();
  }

  /** Sets what the clock does to it next. */
  schedule(sandbox: DaytonaSandbox): void {
    sandbox.alarm?.[Symbol.dispose]();
    const next = nextChange(sandbox);
    if (!next) return;
    const { lastActivityAt } = sandbox;
    const { clock } = this.parts.context;
    sandbox.alarm = clock.at(next.time, async () => {
      const used = sandbox.lastActivityAt !== lastActivityAt;
      if (used && next.time !== sandbox.destroyAt) return this.schedule(sandbox);
      this[next.change](sandbox);
      await sandbox.alone(() => Promise.resolve());
    });
  }

  vanish(id: string): Promise<boolean> {
    return this.#real.vanish(id);
  }

  async close(): Promise<void> {
    await this.#real.close();
  }

  /** Passes through one state to another; what goes wrong on the way is the sandbox's own error. */
  #pass(
    sandbox: DaytonaSandbox,
    [through, to]: Passage,
    work: () => Promise<void>,
    failed: SandboxState = 'error',
  ): Promise<void> {
    this.#become(sandbox, through);
    return sandbox.alone(async () => {
      // Destroyed meanwhile: nothing else happens to it.
      if (sandbox.state === 'destroyed') return;
      if (sandbox.state === 'destroying' && to !== 'destroyed' && to !== 'started') return;
      try {
        await work();
        if (sandbox.state === through) this.#become(sandbox, to);
      } catch (error) {
        sandbox.errorReason = error instanceof Error ? error.message : String(error);
        if (sandbox.state === through) this.#become(sandbox, failed);
      }
      if (this.#sandboxes.has(sandbox.id)) this.schedule(sandbox);
    });
  }

  #become(sandbox: DaytonaSandbox, state: SandboxState): void {
    const before = sandbox.state;
    sandbox.state = state;
    sandbox.updatedAt = this.parts.context.clock.now();
    if (before !== state) this.parts.events.stateUpdated(this.view(sandbox), before, state);
  }

  #interrupted(sandbox: DaytonaSandbox): void {
    sandbox.sessions.interrupt();
    sandbox.terminals.interrupt();
  }

  #shapeOf({ snapshot, buildInfo }: NewSandbox): SnapshotShape {
    const { snapshots } = this.parts;
    if (!buildInfo) return snapshot === undefined ? snapshots.default : snapshots.get(snapshot);
    return { ...snapshots.default, image: imageOf(buildInfo.dockerfileContent) };
  }

  /** What this machine can do does not change while it is asked again and again. */
  #probe(): Promise<Capabilities> {
    this.#probed ??= this.parts.context.provider.probe();
    this.#probed.catch(() => (this.#probed = undefined));
    return this.#probed;
  }
}

/** What a sandbox that runs nothing goes through to be started. */
const wayUp: Partial<Record<SandboxState, SandboxState>> = {
  stopped: 'starting',
  archived: 'restoring',
  paused: 'resuming',
};

/** States in which a sandbox runs nothing. */
const idle: ReadonlySet<SandboxState> = new Set([
  ...([
    'stopped',
    'archived',
    'paused',
    'error',
    'build_failed',
    'destroying',
    'destroyed',
  ] as const),
]);
