import type { Capabilities, Provider, Sandbox, SandboxRef } from '@gantry/core';
import type { LoadedSubject } from '../subject/load-subject.ts';
import type { SecondProvider } from '../subject/second-provider.ts';
import { describeError } from './describe-value.ts';
import { timeLimits, within, type TimeLimits } from './time-limits.ts';

/** One sandbox that the run has made, and what became of it. */
export interface RecordedSandbox {
  readonly ref: SandboxRef;
  readonly check: string;
  /** What destroys it. */
  readonly owner: Provider;
  destroyed: boolean;
  /** Why it could not be destroyed. */
  problem?: string;
}

/** What all checks of one run share. */
export class RunState {
  readonly subject: LoadedSubject;
  readonly provider: Provider;
  readonly second: SecondProvider;
  /** What the subject can do on this host. */
  readonly capabilities: Capabilities;
  readonly runId: string;
  readonly seed: number;
  readonly limits: TimeLimits;
  /** What every limit is multiplied by. */
  readonly scale: number;
  readonly recorded: Map<string, RecordedSandbox> = new Map();
  /** Protections that the subject does not claim, by check id. */
  readonly weaker: Map<string, string> = new Map();
  readonly #kept = new Map<string, Promise<AsyncDisposable>>();
  #shared: Promise<Sandbox> | undefined;

  constructor(
    subject: LoadedSubject,
    second: SecondProvider,
    capabilities: Capabilities,
    seed: number,
    scale: number,
  ) {
    this.subject = subject;
    this.provider = subject.provider;
    this.second = second;
    this.capabilities = capabilities;
    this.seed = seed;
    this.runId = `run-${seed.toString(36)}-${process.pid.toString(36)}-${Date.now().toString(36)}`;
    this.limits = timeLimits(scale);
    this.scale = scale;
  }

  /** Labels by which the sandboxes of this run are told from all others. */
  get labels(): Readonly<Record<string, string>> {
    return { 'gantry-conformance': this.runId };
  }

  /** The one sandbox that checks without side effects share; each works in a directory of its own. */
  shared(): Promise<Sandbox> {
    this.#shared ??= this.#createShared();
    return this.#shared;
  }

  /** What the checks of one kind share beside sandboxes: made by the first that asks, disposed of when the run ends. */
  once<Kept extends AsyncDisposable>(name: string, make: () => Promise<Kept>): Promise<Kept> {
    const made = this.#kept.get(name) ?? make();
    this.#kept.set(name, made);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- one name, one kind
    return made as Promise<Kept>;
  }

  /** Disposes of all that `once` has made. What failed to be made has told so to those who asked. */
  async dispose(): Promise<void> {
    const made = await Promise.allSettled(this.#kept.values());
    this.#kept.clear();
    for (const each of made) {
      if (each.status === 'fulfilled') await each.value[Symbol.asyncDispose]();
    }
  }

  async #createShared(): Promise<Sandbox> {
    const env = { GANTRY_SHARED: 'yes' };
    const sandbox = await this.provider.create({
      labels: { ...this.labels, check: 'shared' },
      manifest: { spec: 'gantry-manifest/1', env },
      maxLifetimeMs: 600_000,
    });
    this.record(sandbox.ref, 'shared');
    return sandbox;
  }

  record(ref: SandboxRef, check: string, owner: Provider = this.provider): void {
    this.recorded.set(ref.id, { ref, check, owner, destroyed: false });
  }

  /** Destroys what one check, or `shared`, has made. Problems are kept for the leak check. */
  async destroyOf(check: string): Promise<void> {
    const mine = [...this.recorded.values()].filter((entry) => entry.check === check);
    await Promise.all(mine.map((entry) => this.#destroy(entry)));
  }

  async #destroy(entry: RecordedSandbox): Promise<void> {
    if (entry.destroyed) return;
    try {
      await within(
        this.limits.destroy,
        entry.owner.destroy(entry.ref),
        () => new Error(`destroy did not end within ${this.limits.destroy} ms`),
      );
      entry.destroyed = true;
    } catch (error) {
      entry.problem = describeError(error);
    }
  }
}
