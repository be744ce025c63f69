import path from 'node:path';
import { SandboxError, type Sandbox, type SandboxRef, type SandboxStatus } from '@gantry/core';
import type { SandboxDetails, SandboxView } from '../../protocol/sandboxes.ts';
import type { EventHub } from '../event-hub.ts';
import type { Providers } from '../providers/providers.ts';
import { StateFile } from '../state-file.ts';
import { sandboxId, type SandboxRecord } from './sandbox-record.ts';

/** Every sandbox of the demo carries it. */
export const demoLabels: Readonly<Record<string, string>> = { 'gantry-demo': 'yes' };

const lookEveryMs = 5_000;

/** What is known of a sandbox when it is handed to the collection. */
export type NewSandbox = Pick<SandboxRecord, 'name' | 'manifest' | 'ports' | 'snapshot'>;

/** The sandboxes of the demo: remembered over restarts, reached again when needed, and looked at as long as somebody watches. */
export class Sandboxes implements AsyncDisposable {
  readonly #records = new Map<string, SandboxRecord>();
  readonly #reached = new Map<string, Promise<Sandbox>>();
  readonly #file: StateFile<readonly SandboxRecord[]>;
  readonly #events: EventHub;
  readonly #providers: Providers;
  #looking: NodeJS.Timeout | undefined;

  constructor(stateDirectory: string, events: EventHub, providers: Providers) {
    this.#file = new StateFile(path.join(stateDirectory, 'sandboxes.json'));
    this.#events = events;
    this.#providers = providers;
  }

  /** Reads what an earlier server remembered, and forgets what is gone by now. */
  async open(): Promise<void> {
    for (const record of await this.#file.read([])) this.#records.set(record.id, record);
    await this.look();
    this.#looking = setInterval(() => void this.look(), lookEveryMs);
    this.#looking.unref();
  }

  list(): readonly SandboxView[] {
    return [...this.#records.values()].map(viewOf).toSorted((a, b) => b.createdAt - a.createdAt);
  }

  record(id: string): SandboxRecord {
    const record = this.#records.get(id);
    if (record) return record;
    throw new SandboxError('not-found', `there is no sandbox ${id}`, {
      details: { hint: 'It may have been destroyed, or its time was over.' },
    });
  }

  /** What is remembered of the sandbox that a ref names. */
  find(ref: SandboxRef): SandboxRecord | undefined {
    return this.#records.get(sandboxId(ref));
  }

  async details(id: string): Promise<SandboxDetails> {
    const record = this.record(id);
    const { origin, receipt, manifest, ports } = record;
    const sandbox = record.state === 'running' ? await this.reach(id) : undefined;
    const provider = await this.#providers.use(record.ref.provider);
    return {
      ...viewOf(record),
      ...{ origin, ports, capabilities: sandbox?.capabilities ?? provider.capabilities },
      ...(receipt ? { receipt } : {}),
      ...(manifest === undefined ? {} : { manifest }),
    };
  }

  /** Remembers a sandbox that was just made. It then belongs to this collection. */
  async add(sandbox: Sandbox, facts: NewSandbox): Promise<SandboxView> {
    const { ref, origin, receipt } = sandbox;
    const { state, expiresAt } = await sandbox.inspect();
    const record: SandboxRecord = {
      ...{ id: sandboxId(ref), ref, state, origin, ...facts, createdAt: Date.now() },
      emulated: this.#providers.isEmulated(ref.provider),
      ...(expiresAt === undefined ? {} : { expiresAt }),
      ...(receipt ? { receipt } : {}),
    };
    this.#records.set(record.id, record);
    this.#reached.set(record.id, Promise.resolve(sandbox));
    await this.#changed(record);
    return viewOf(record);
  }

  /** The sandbox itself, connected to where this server does not hold it. A suspended one is refused. */
  reach(id: string): Promise<Sandbox> {
    const { ref, state, name } = this.record(id);
    if (state === 'suspended') {
      const message = `${name} is suspended`;
      const details = { hint: 'Resume it first.' };
      throw new SandboxError('failed-precondition', message, { ref, details });
    }
    const reached = this.#reached.get(id) ?? this.#connect(ref);
    this.#reached.set(id, reached);
    // Whoever comes next tries again.
    reached.catch(() => this.#reached.delete(id));
    return reached;
  }

  async suspend(id: string): Promise<SandboxView> {
    const sandbox = await this.reach(id);
    await sandbox.suspend();
    return this.#became(id, 'suspended');
  }

  async resume(id: string): Promise<SandboxView> {
    const { ref } = this.record(id);
    const provider = await this.#providers.use(ref.provider);
    this.#reached.set(id, Promise.resolve(await provider.resume(ref)));
    return this.#became(id, 'running');
  }

  async destroy(id: string): Promise<void> {
    const { ref } = this.record(id);
    const held = this.#reached.get(id);
    this.#reached.delete(id);
    const sandbox = await held?.catch(() => undefined);
    if (sandbox) await sandbox.destroy();
    else await (await this.#providers.use(ref.provider)).destroy(ref);
    await this.#gone(id);
  }

  /** The workspace is now as in this snapshot. */
  async isAs(id: string, snapshot: string): Promise<void> {
    const record = this.#records.get(id);
    if (!record) return;
    record.snapshot = snapshot;
    await this.#changed(record);
  }

  /** Asks the providers how each sandbox is, tells what changed, and forgets those that are gone. */
  async look(): Promise<void> {
    await Promise.all([...this.#records.values()].map((record) => this.#lookAt(record)));
  }

  /** Lets go of every sandbox; each lives on until its time is over. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#looking);
    const held = await Promise.allSettled(this.#reached.values());
    this.#reached.clear();
    const sandboxes = held.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    await Promise.allSettled(sandboxes.map((sandbox) => sandbox.release()));
  }

  async #connect(ref: SandboxRef): Promise<Sandbox> {
    return (await this.#providers.use(ref.provider)).connect(ref);
  }

  async #lookAt(record: SandboxRecord): Promise<void> {
    const status = await this.#statusOf(record);
    // Removed while it was looked at.
    if (!status || this.#records.get(record.id) !== record) return;
    if (status.state === 'gone' || status.state === 'stopped') return this.#gone(record.id);
    if (status.state === record.state && status.expiresAt === record.expiresAt) return;
    record.state = status.state;
    if (status.expiresAt === undefined) delete record.expiresAt;
    else record.expiresAt = status.expiresAt;
    await this.#changed(record);
  }

  /** `undefined` where the provider cannot be asked now: nothing is then known to have changed. */
  async #statusOf({ ref, emulated }: SandboxRecord): Promise<SandboxStatus | undefined> {
    // An emulator ends its sandboxes when it ends.
    if (emulated && !this.#providers.isEmulated(ref.provider)) return { state: 'gone' };
    try {
      const provider = await this.#providers.use(ref.provider);
      return await provider.inspect(ref, { timeoutMs: lookEveryMs });
    } catch (error) {
      if (SandboxError.is(error) && error.code !== 'internal') return undefined;
      throw error;
    }
  }

  async #became(id: string, state: SandboxStatus['state']): Promise<SandboxView> {
    const record = this.record(id);
    if (state === 'suspended') this.#reached.delete(id);
    record.state = state;
    await this.#changed(record);
    return viewOf(record);
  }

  async #changed(record: SandboxRecord): Promise<void> {
    this.#events.publish({ type: 'sandbox', sandbox: viewOf(record) });
    await this.#save();
  }

  async #gone(id: string): Promise<void> {
    if (!this.#records.delete(id)) return;
    this.#reached.delete(id);
    this.#events.publish({ type: 'sandbox-removed', id });
    await this.#save();
  }

  async #save(): Promise<void> {
    await this.#file.write([...this.#records.values()]);
  }
}

function viewOf(record: SandboxRecord): SandboxView {
  const { id, ref, emulated, name, state, createdAt, expiresAt, snapshot } = record;
  return {
    ...{ id, ref, provider: ref.provider, emulated, name, state, createdAt },
    ...(expiresAt === undefined ? {} : { expiresAt }),
    ...(snapshot === undefined ? {} : { snapshot }),
  };
}
