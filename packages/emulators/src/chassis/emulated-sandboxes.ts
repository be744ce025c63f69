import {
  type CreateOptions,
  type Provider,
  type Sandbox,
  SandboxError,
  type SuspendMode,
} from '@gantry/core';
import type { EmulatorClock } from './clock.ts';
import { Turns } from './turns.ts';

/** The provider ends a sandbox after this at the latest, if the emulator itself has not. */
const longestLifeMs = 24 * 60 * 60 * 1000;

/** One sandbox as a vendor's clients know it, and the real one that it is. */
export class EmulatedSandbox<Details> {
  readonly id: string;
  /** Another object for the same sandbox once it was booted again. */
  sandbox: Sandbox;
  /** Its processes have ended, and with them the ways by which `sandbox` reaches it. */
  endedProcesses = false;
  /** Milliseconds since the Unix epoch. */
  readonly startedAt: number;
  readonly details: Details;
  state: 'running' | 'suspended' | 'gone' = 'running';
  endsAt: number;
  alarm: Disposable | undefined;
  /** Told once when it suspends or ends: what is connected to it loses its connection. */
  readonly #interruptions = new Set<() => void>();
  readonly #turns = new Turns();

  constructor(id: string, sandbox: Sandbox, startedAt: number, details: Details) {
    this.id = id;
    this.sandbox = sandbox;
    this.startedAt = startedAt;
    this.endsAt = startedAt;
    this.details = details;
  }

  /** Disposing forgets it. */
  onInterruption(act: () => void): Disposable {
    this.#interruptions.add(act);
    return { [Symbol.dispose]: () => void this.#interruptions.delete(act) };
  }

  /** Runs what changes its state, one after another. */
  alone<Result>(work: () => Promise<Result>): Promise<Result> {
    return this.#turns.run(work);
  }

  interrupt(): void {
    for (const act of [...this.#interruptions]) act();
    this.#interruptions.clear();
  }
}

/**
 * The sandboxes of one emulator on the provider that it was handed: made, found, ended by the clock, and all
 * destroyed at the end. What a vendor calls them and answers is the vendor's part.
 */
export class EmulatedSandboxes<Details> {
  readonly #provider: Provider;
  readonly #clock: EmulatorClock;
  readonly #sandboxes = new Map<string, EmulatedSandbox<Details>>();
  /** What is being made, so that `close` does not miss it. */
  readonly #making = new Set<Promise<unknown>>();
  #closed = false;

  constructor(provider: Provider, clock: EmulatorClock) {
    this.#provider = provider;
    this.#clock = clock;
  }

  /** Makes one and prepares it; if that fails, nothing is left. */
  async create(
    id: string,
    options: CreateOptions,
    details: Details,
    prepare: (sandbox: Sandbox) => Promise<void>,
  ): Promise<EmulatedSandbox<Details>> {
    if (this.#closed) throw new Error('the emulator is being closed');
    const making = this.#make(options, prepare);
    this.#making.add(making);
    try {
      const made = new EmulatedSandbox(id, await making, this.#clock.now(), details);
      this.#sandboxes.set(id, made);
      return made;
    } finally {
      this.#making.delete(making);
    }
  }

  get(id: string): EmulatedSandbox<Details> | undefined {
    return this.#sandboxes.get(id);
  }

  /** Oldest first, those being made left out. */
  list(): readonly EmulatedSandbox<Details>[] {
    return [...this.#sandboxes.values()];
  }

  /** How many run, or are about to. */
  get running(): number {
    const live = this.list().filter(({ state }) => state === 'running').length;
    return live + this.#making.size;
  }

  /** Ends, or does whatever the vendor does, at that time of the emulator's clock. */
  endAt(emulated: EmulatedSandbox<Details>, time: number, act: () => Promise<void>): void {
    emulated.alarm?.[Symbol.dispose]();
    emulated.endsAt = time;
    emulated.alarm = this.#clock.at(time, act);
  }

  /**
   * Suspends. A mode that the provider cannot do by itself ends in its own `unsupported`; to disk is then the
   * end of every process, then suspension to memory: nothing runs again, and what was on disk stays.
   */
  async suspend(emulated: EmulatedSandbox<Details>, mode: SuspendMode): Promise<void> {
    const { sandbox } = emulated;
    const modes = sandbox.capabilities.suspend?.modes ?? [];
    const direct = modes.includes(mode) || !modes.includes('memory');
    if (!direct) await endProcesses(sandbox);
    emulated.endedProcesses = mode === 'disk';
    await sandbox.suspend(direct ? mode : 'memory');
    emulated.state = 'suspended';
    emulated.alarm?.[Symbol.dispose]();
    emulated.interrupt();
  }

  /** Wakes it. Processes that were suspended with it go on, and are still known; a reboot ends them. */
  async resume(emulated: EmulatedSandbox<Details>, how: 'restore' | 'reboot'): Promise<void> {
    const before = emulated.sandbox;
    const again = await this.#provider.resume(before.ref);
    if (how === 'reboot') await endProcesses(again);
    if (how === 'reboot' || emulated.endedProcesses) {
      emulated.sandbox = how === 'reboot' ? await this.#provider.connect(before.ref) : again;
      emulated.endedProcesses = false;
      await before.release();
    }
    // Else the object that started the processes stays the one that reads their output.
    if (emulated.sandbox !== again) await again.release();
    emulated.state = 'running';
  }

  /** Ends every process that the guest has. It can be used on, by another object. */
  async endProcesses(emulated: EmulatedSandbox<Details>): Promise<void> {
    const before = emulated.sandbox;
    await endProcesses(before);
    emulated.sandbox = await this.#provider.connect(before.ref);
    await before.release();
  }

  async end(emulated: EmulatedSandbox<Details>): Promise<void> {
    emulated.state = 'gone';
    emulated.alarm?.[Symbol.dispose]();
    this.#sandboxes.delete(emulated.id);
    emulated.interrupt();
    await emulated.sandbox.destroy();
  }

  /** Destroys the real sandbox and says nothing to the vendor's records. */
  async vanish(id: string): Promise<boolean> {
    const emulated = this.#sandboxes.get(id);
    if (!emulated) return false;
    await this.#provider.destroy(emulated.sandbox.ref);
    emulated.interrupt();
    return true;
  }

  /** Destroys all. Rejects with the first failure, after all have been tried. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled(this.#making);
    const results = await Promise.allSettled(this.list().map((emulated) => this.end(emulated)));
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  }

  async #make(
    options: CreateOptions,
    prepare: (sandbox: Sandbox) => Promise<void>,
  ): Promise<Sandbox> {
    const sandbox = await this.#provider.create({ maxLifetimeMs: longestLifeMs, ...options });
    try {
      await prepare(sandbox);
      return sandbox;
    } catch (error) {
      await sandbox.destroy();
      throw error;
    }
  }
}

/** Ends every process that the guest has; what answers for the sandbox is not one of them. */
async function endProcesses(sandbox: Sandbox): Promise<void> {
  try {
    await sandbox.exec(['/bin/sh', '-c', 'kill -s KILL -- -1'], { timeoutMs: 60_000 });
  } catch (error) {
    // The link of this very command may be one of its victims.
    if (!SandboxError.is(error) || error.code !== 'unavailable') throw error;
  }
}

/** Whether an error came of a real sandbox that is no longer there, rather than of something in it. */
export async function isGone(error: unknown, sandbox: Sandbox): Promise<boolean> {
  if (!SandboxError.is(error) || error.details['path'] !== undefined) return false;
  return (await sandbox.inspect()).state === 'gone';
}
