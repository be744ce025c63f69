import { SandboxError, type Provider } from '@gantry/core';
import { startEmulator, type Emulator } from '@gantry/emulators';
import type { EmulatorBackend, EmulatorView } from '../../protocol/providers.ts';
import type { EventHub } from '../event-hub.ts';
import type { KnownProvider } from './known-providers.ts';

/** A running emulator, and the vendor's provider that is led to it. */
export interface RunningEmulator {
  readonly emulator: Emulator;
  readonly provider: Provider;
  readonly backend: EmulatorBackend;
}

interface Slot {
  view: EmulatorView;
  running?: RunningEmulator;
  /** Starts and stops of one vendor come one after the other. */
  turn: Promise<void>;
}

/** The vendors' emulators of this server, one for each vendor at the most. */
export class Emulators implements AsyncDisposable {
  readonly #slots = new Map<string, Slot>();
  readonly #events: EventHub;
  readonly #backend: (id: EmulatorBackend) => Promise<Provider>;

  constructor(events: EventHub, backend: (id: EmulatorBackend) => Promise<Provider>) {
    this.#events = events;
    this.#backend = backend;
  }

  /** Ids of the providers whose emulator runs. */
  list(): readonly string[] {
    return [...this.#slots].flatMap(([id, { running }]) => (running ? [id] : []));
  }

  running(id: string): RunningEmulator | undefined {
    return this.#slots.get(id)?.running;
  }

  view(id: string): EmulatorView {
    return this.#slots.get(id)?.view ?? { state: 'stopped' };
  }

  /** Starts the vendor's emulator, whose sandboxes are of the backend; one that runs on the other is ended first. */
  start(known: KnownProvider, backend: EmulatorBackend): Promise<void> {
    const { emulation } = known;
    if (!emulation) {
      const message = `there is no emulator of ${known.id}`;
      throw new SandboxError('unsupported', message, { provider: known.id });
    }
    return this.#inTurn(known.id, async (slot) => {
      if (slot.running?.backend === backend) return;
      await this.#stop(known.id, slot);
      this.#show(known.id, slot, { state: 'starting', backend });
      try {
        const provider = await this.#backend(backend);
        await provider.probe({ timeoutMs: 20_000 });
        const emulator = await startEmulator(await emulation.vendor(), { provider });
        slot.running = { emulator, backend, provider: await emulation.connect(emulator) };
        this.#show(known.id, slot, { state: 'running', backend });
      } catch (error) {
        const problem = error instanceof Error ? error.message : String(error);
        this.#show(known.id, slot, { state: 'stopped', problem });
        throw error;
      }
    });
  }

  /** Ends the emulator and every sandbox of it. */
  stop(id: string): Promise<void> {
    return this.#inTurn(id, (slot) => this.#stop(id, slot));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#slots.keys()].map((id) => this.stop(id)));
  }

  async #stop(id: string, slot: Slot): Promise<void> {
    const { running } = slot;
    if (!running) return;
    this.#show(id, slot, { state: 'stopping', backend: running.backend });
    delete slot.running;
    try {
      await running.emulator.close();
    } finally {
      this.#show(id, slot, { state: 'stopped' });
    }
  }

  #show(id: string, slot: Slot, view: EmulatorView): void {
    slot.view = view;
    this.#events.publish({ type: 'emulator', provider: id, emulator: view });
  }

  #inTurn(id: string, work: (slot: Slot) => Promise<void>): Promise<void> {
    const slot = this.#slots.get(id) ?? { view: { state: 'stopped' }, turn: Promise.resolve() };
    this.#slots.set(id, slot);
    const mine = slot.turn.then(() => work(slot));
    // What failed is told to whoever asked for it; the next one has its turn all the same.
    slot.turn = mine.catch(() => undefined);
    return mine;
  }
}
