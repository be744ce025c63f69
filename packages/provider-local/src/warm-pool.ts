import { randomUUID } from 'node:crypto';
import { hostProcess } from '@gantry/core/node';
import type { BuiltSandbox } from './build-sandbox.ts';
import type { SandboxRecord } from './sandbox-record.ts';

/** A sandbox that waits for a taker. */
export interface WarmSandbox {
  readonly record: SandboxRecord;
  readonly built: BuiltSandbox;
}

/** Between two starts, so that a create in the foreground goes first. */
const restMs = 20;

/** What a pool does with sandboxes. */
export interface WarmPoolOptions {
  /** How many it keeps. */
  readonly count: number;
  /** Starts one that has no lifetime yet, and ends together with this process until it has one. */
  start(id: string): Promise<WarmSandbox>;
  /** Removes one that has ended by itself. */
  discard(sandbox: WarmSandbox): Promise<void>;
}

/** Sandboxes that run before anybody has asked for them. Each is handed out once, to one taker. */
export class WarmPool {
  readonly #options: WarmPoolOptions;
  readonly #ready: WarmSandbox[] = [];
  #filling = false;

  constructor(options: WarmPoolOptions) {
    this.#options = options;
  }

  /** Starts what is missing, one after the other. */
  fill(): void {
    if (this.#filling) return;
    this.#filling = true;
    const timer = setTimeout(() => void this.#start(), restMs);
    timer.unref();
  }

  /** A running sandbox that is the caller's from now on, if there is one. */
  take(): WarmSandbox | undefined {
    for (let sandbox = this.#ready.shift(); sandbox; sandbox = this.#ready.shift()) {
      this.fill();
      if (hostProcess.isRunning(sandbox.built.main)) return sandbox;
      // A sweep does it where this does not.
      this.#options.discard(sandbox).catch(() => undefined);
    }
    return undefined;
  }

  async #start(): Promise<void> {
    let failed = false;
    try {
      if (this.#ready.length < this.#options.count) {
        this.#ready.push(await this.#options.start(randomUUID()));
      }
    } catch {
      // A create finds no sandbox here, starts one by itself, and is told what is the matter.
      failed = true;
    }
    this.#filling = false;
    if (!failed && this.#ready.length < this.#options.count) this.fill();
  }
}
