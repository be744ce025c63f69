import type { Capabilities } from '@gantry/core';
import { unpackDisk } from '../chassis/disk-copy.ts';
import { EmulatedSandboxes } from '../chassis/emulated-sandboxes.ts';
import type { EmulatorContext } from '../chassis/emulator.ts';
import { RateLimit } from '../chassis/quota.ts';
import { ApiError, badRequest, notFound, unsupported } from './api-error.ts';
import type { Drives } from './drives.ts';
import { guestRequest, prepareGuest, superuser } from './guest.ts';
import { newId } from './ids.ts';
import { providerPolicy, setHeadersOf } from './network-policy.ts';
import type { PortGateway } from './port-gateway.ts';
import type { Snapshots, StoredSnapshot } from './snapshots.ts';
import { VercelSandbox, VercelSession } from './vercel-sandbox.ts';
import type { ForkRequest, NewSandbox, PolicyRequest, SandboxUpdate } from './wire-bodies.ts';

/** The vendor's longest session. */
const longestMs = 24 * 60 * 60 * 1000;

/** What the sandboxes of an emulator share. */
export interface VercelParts {
  readonly context: EmulatorContext;
  readonly snapshots: Snapshots;
  readonly drives: Drives;
  readonly gateway: PortGateway;
}

/** The sandboxes of one emulator, and the sessions in which they run. */
export class VercelSandboxes {
  readonly parts: VercelParts;
  readonly #real: EmulatedSandboxes<VercelSession>;
  readonly #sandboxes = new Map<string, VercelSandbox>();
  readonly #sessions = new Map<string, VercelSession>();
  readonly #creates: RateLimit;
  #probed: Promise<Capabilities> | undefined;

  constructor(parts: VercelParts) {
    const { provider, clock, quotas } = parts.context;
    this.parts = parts;
    this.#real = new EmulatedSandboxes(provider, clock);
    this.#creates = new RateLimit(clock, quotas.createsPerSecond);
  }

  /** Throws the vendor's 404. */
  get(name: string): VercelSandbox {
    const found = this.#sandboxes.get(name);
    if (found) return found;
    throw notFound(`Sandbox ${name}`);
  }

  /** Oldest first. */
  list(): readonly VercelSandbox[] {
    return [...this.#sandboxes.values()];
  }

  /** Oldest first, those of deleted sandboxes left out. */
  listSessions(name: string | undefined): readonly VercelSession[] {
    const all = this.list().flatMap(({ sessions }) => sessions);
    return name === undefined ? all : all.filter(({ sandbox }) => sandbox.name === name);
  }

  /** Throws the vendor's 404. */
  session(id: string): VercelSession {
    const found = this.#sessions.get(id);
    if (found && !found.sandbox.deleted) return found;
    throw notFound(`Session ${id}`);
  }

  /** One that runs. Throws what the vendor says of others, by which its SDK knows to start another. */
  runningSession(id: string): VercelSession & { real: NonNullable<VercelSession['real']> } {
    const session = this.session(id);
    const { status, real } = session;
    if (status === 'running' && real) return Object.assign(session, { real });
    if (status === 'stopping' || status === 'snapshotting') {
      throw new ApiError(422, `sandbox_${status}`, `The sandbox is ${status}.`);
    }
    throw new ApiError(410, 'sandbox_stopped', `The sandbox session is ${status}.`);
  }

  async create(request: NewSandbox): Promise<VercelSandbox> {
    const { context, snapshots } = this.parts;
    const { source } = request;
    if (source && source.type !== 'snapshot') {
      throw unsupported(`a source of type ${source.type}`);
    }
    const name = request.name ?? newId('sbx').replace('_', '-');
    const sandbox = new VercelSandbox(name, request, context.clock.now());
    if (source) snapshots.require(source.snapshotId);
    await this.#add(sandbox, source?.snapshotId);
    return sandbox;
  }

  /** A second sandbox from what the first has kept last, or from its base. What is not said is as there. */
  async fork(source: VercelSandbox, request: ForkRequest): Promise<VercelSandbox> {
    const { context } = this.parts;
    const name = request.name ?? newId('sbx').replace('_', '-');
    const settings = { ...source.settings, ...request };
    const sandbox = new VercelSandbox(name, settings, context.clock.now());
    await this.#add(sandbox, source.currentSnapshotId);
    return sandbox;
  }

  /** Has it run. Returns whether that took a new session. */
  resume(sandbox: VercelSandbox): Promise<boolean> {
    return sandbox.alone(async () => {
      if (sandbox.current.status === 'running') return false;
      if (sandbox.deleted) throw notFound(`Sandbox ${sandbox.name}`);
      await this.#start(sandbox, sandbox.currentSnapshotId);
      return true;
    });
  }

  /** Ends a session; of a persistent sandbox it keeps the disk. */
  async stop(session: VercelSession): Promise<StoredSnapshot | undefined> {
    const { sandbox } = session;
    const running = this.runningSession(session.id);
    this.#become(running, 'stopping');
    running.requestedStopAt = this.parts.context.clock.now();
    return sandbox.alone(() => this.#end(running, sandbox.persistent ? 'automatic' : undefined));
  }

  /** Keeps the disk of a session, which ends it. */
  async snapshot(session: VercelSession, expiration: number | undefined): Promise<StoredSnapshot> {
    const running = this.runningSession(session.id);
    this.#become(running, 'snapshotting');
    const taken = await session.sandbox.alone(() => this.#end(running, 'manual', expiration));
    if (taken) return taken;
    throw new ApiError(500, 'internal_server_error', 'the snapshot was not taken');
  }

  extend(session: VercelSession, duration: number): void {
    const running = this.runningSession(session.id);
    if (running.timeout + duration > longestMs) {
      throw badRequest(`the timeout cannot be more than ${longestMs} milliseconds`);
    }
    running.timeout += duration;
    running.updatedAt = this.parts.context.clock.now();
    this.#schedule(running);
  }

  async setPolicy(session: VercelSession, policy: PolicyRequest): Promise<void> {
    const running = this.runningSession(session.id);
    const wanted = providerPolicy(this.parts.context.provider, policy);
    const { sandbox: guest } = running.real;
    const headers = setHeadersOf(policy);
    const problem = running.headers.problem(
      headers,
      wanted.mode === 'allow-list' ? wanted.allow : [],
    );
    if (problem !== undefined) throw unsupported(problem);
    running.headers.change(headers);
    const { network } = guest.capabilities;
    // No provider's network is wider than what it was made with; what it is already needs no change.
    if (network?.live) await guest.setNetwork(wanted);
    else if (wanted.mode !== 'none' || network?.modes.some((mode) => mode !== 'none')) {
      throw unsupported('the network cannot be changed');
    }
    running.policy = policy;
    running.updatedAt = this.parts.context.clock.now();
  }

  async update(sandbox: VercelSandbox, change: SandboxUpdate): Promise<void> {
    const { context, snapshots, gateway } = this.parts;
    const { keepLastSnapshots: keep, currentSnapshotId, ...rest } = change;
    if (change.networkPolicy) providerPolicy(context.provider, change.networkPolicy);
    if (currentSnapshotId !== undefined) snapshots.require(currentSnapshotId);
    const { keepLastSnapshots: kept, ...before } = sandbox.settings;
    const next = keep === undefined ? kept : (keep ?? undefined);
    sandbox.settings = { ...before, ...rest, ...(next ? { keepLastSnapshots: next } : {}) };
    if (currentSnapshotId !== undefined) sandbox.currentSnapshotId = currentSnapshotId;
    if (change.ports) await gateway.setPorts(sandbox, change.ports);
    sandbox.updatedAt = context.clock.now();
  }

  async delete(sandbox: VercelSandbox, withSnapshots: boolean): Promise<void> {
    const { gateway, snapshots } = this.parts;
    sandbox.deleted = true;
    this.#sandboxes.delete(sandbox.name);
    await gateway.setPorts(sandbox, []);
    await sandbox.alone(async () => {
      const { current } = sandbox;
      if (current.status === 'running') await this.#end(current, undefined);
    });
    for (const { id } of sandbox.sessions) this.#sessions.delete(id);
    if (!withSnapshots) return;
    const used = new Set(this.list().map(({ currentSnapshotId }) => currentSnapshotId));
    for (const snapshot of snapshots.list(sandbox.name)) {
      if (!used.has(snapshot.id)) snapshots.remove(snapshot);
    }
  }

  async vanish(name: string): Promise<boolean> {
    const session = this.#sandboxes.get(name)?.sessions.at(-1);
    return session ? this.#real.vanish(session.id) : false;
  }

  close(): Promise<void> {
    return this.#real.close();
  }

  /** Makes a sandbox known and has it run; when that fails it is not there. */
  async #add(sandbox: VercelSandbox, snapshotId: string | undefined): Promise<void> {
    const { context, gateway, drives } = this.parts;
    const { quotas, provider } = context;
    guestRequest(provider, await this.#probe(), sandbox, drives);
    // From here on nothing is waited for: of many that come at once no more get through than may.
    if (this.#sandboxes.has(sandbox.name)) {
      throw new ApiError(409, 'conflict', `A sandbox named ${sandbox.name} already exists.`);
    }
    const wait = this.#creates.take();
    if (wait > 0) throw new ApiError(429, 'rate_limited', 'Too many requests.', wait);
    const live = this.list().filter(({ sessions }) => sessions.at(-1)?.real !== undefined).length;
    if (live >= (quotas.runningSandboxes ?? Infinity)) {
      throw new ApiError(429, 'rate_limited', 'Too many sandboxes run at once.');
    }
    this.#sandboxes.set(sandbox.name, sandbox);
    sandbox.currentSnapshotId = snapshotId;
    try {
      await sandbox.alone(() => this.#start(sandbox, snapshotId));
      await gateway.setPorts(sandbox, sandbox.settings.ports ?? []);
    } catch (error) {
      await this.delete(sandbox, false);
      throw error;
    }
  }

  async #start(sandbox: VercelSandbox, snapshotId: string | undefined): Promise<void> {
    const { context, snapshots, drives } = this.parts;
    const stored = snapshotId === undefined ? undefined : snapshots.require(snapshotId);
    const session = new VercelSession(sandbox, context.clock.now(), snapshotId);
    context.conceal(session.interactiveToken);
    sandbox.sessions.push(session);
    this.#sessions.set(session.id, session);
    try {
      const options = guestRequest(
        ...([context.provider, await this.#probe(), sandbox, drives, session.headers] as const),
      );
      session.real = await this.#real.create(session.id, options, session, async (guest) => {
        await prepareGuest(guest, sandbox, drives);
        if (stored) await unpackDisk(guest, stored.file, superuser(guest));
      });
    } catch (error) {
      this.#become(session, 'failed');
      throw error;
    }
    session.startedAt = context.clock.now();
    this.#become(session, 'running');
    this.#schedule(session);
  }

  /** Ends what a session runs, once its disk is kept where that is wanted. */
  async #end(
    session: VercelSession,
    keep: StoredSnapshot['creationMethod'] | undefined,
    expiration?: number,
  ): Promise<StoredSnapshot | undefined> {
    const { context, snapshots } = this.parts;
    const { sandbox, real } = session;
    let taken: StoredSnapshot | undefined;
    // Whoever follows what runs in it hears that it is over, and nothing of what is killed for that.
    session.commands.interrupt();
    real?.interrupt();
    try {
      if (keep && real) {
        // A disk that is kept is one that nobody writes to any more.
        await session.commands.endSudo();
        await this.#real.endProcesses(real);
        taken = await snapshots.take(session, real.sandbox, keep, expiration);
        sandbox.currentSnapshotId = taken.id;
        session.snapshottedAt = taken.createdAt;
      }
    } finally {
      session.real = undefined;
      if (real) await this.#real.end(real);
      session.stoppedAt = context.clock.now();
      this.#become(session, keep && !taken ? 'failed' : 'stopped');
    }
    return taken;
  }

  #schedule(session: VercelSession): void {
    const { real, startedAt = 0, timeout } = session;
    if (!real) return;
    this.#real.endAt(real, startedAt + timeout, async () => {
      if (session.status === 'running') await this.stop(session);
    });
  }

  #become(session: VercelSession, status: VercelSession['status']): void {
    const now = this.parts.context.clock.now();
    session.status = status;
    session.updatedAt = session.sandbox.updatedAt = session.sandbox.statusUpdatedAt = now;
  }

  /** What this machine can do does not change while it is asked again and again. */
  #probe(): Promise<Capabilities> {
    this.#probed ??= this.parts.context.provider.probe();
    this.#probed.catch(() => (this.#probed = undefined));
    return this.#probed;
  }
}
