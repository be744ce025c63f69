import type { Provider } from '../../contract/provider.ts';
import type { SnapshotStore } from '../../contract/snapshot-store.ts';
import { SandboxError } from '../../errors/sandbox-error.ts';
import type { BodyCipher } from '../journal/body-cipher.ts';
import type { Journal } from '../journal/journal.ts';
import type { Json } from '../journal/run-event.ts';
import type { RunLog } from '../journal/run-log.ts';
import type { Budget } from '../policy/budget.ts';
import type { Policy } from '../policy/policy.ts';
import type { FanOutStarter } from './live-run.ts';
import type { Pass } from './pass.ts';
import type { RunWorkspaceOptions } from './run-workspace.ts';

/** What an open run is made of. */
export interface OpenRunOptions {
  readonly run: string;
  readonly name: string;
  readonly input: Json;
  readonly epoch: number;
  readonly journal: Journal;
  readonly cipher: BodyCipher;
  readonly log: RunLog;
  readonly providers: Readonly<Record<string, Provider>>;
  readonly workspaceOptions: RunWorkspaceOptions;
  readonly policy: Policy;
  readonly budget: Budget;
  readonly store: SnapshotStore | undefined;
  readonly fanOut: FanOutStarter;
  readonly claimMs: number;
  readonly keepCheckpoints: number;
  readonly signal: AbortSignal | undefined;
}

/** A run that this process drives: it keeps up the claim, and ends what runs when the claim is lost or the caller gives up. */
export class OpenRun implements Disposable {
  readonly settings: OpenRunOptions;
  readonly #timer: NodeJS.Timeout;
  readonly #controller = new AbortController();
  #pass: Pass | undefined;
  #lost: unknown;

  constructor(options: OpenRunOptions) {
    this.settings = options;
    this.#timer = setInterval(() => void this.#renew(), options.claimMs / 3).unref();
    options.signal?.addEventListener('abort', this.#cancel);
    options.log.onLost = (error) => this.lose(error);
  }

  /** Aborted when the run is lost or cancelled. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Whether another process has the run now, or the journal is out of reach. */
  isLost(): boolean {
    return this.#lost !== undefined || this.settings.log.failure !== undefined;
  }

  lostError(): SandboxError {
    const cause = this.#lost ?? this.settings.log.failure;
    if (SandboxError.is(cause)) return cause;
    const message = `run ${this.settings.run} has stopped: its journal cannot be written: ${String(cause)}`;
    return new SandboxError('unavailable', message, { operation: 'run', cause });
  }

  /** Tells the run that it is lost. */
  lose(error: unknown): void {
    this.#lost ??= error;
    this.#controller.abort(this.#lost);
    this.#pass?.stop({ kind: 'fail', error: this.lostError() });
  }

  /** Ends this pass when the run is lost or cancelled. */
  follow(pass: Pass): Disposable {
    this.#pass = pass;
    if (this.isLost()) this.lose(this.settings.log.failure);
    if (this.settings.signal?.aborted) this.#cancel();
    return {
      [Symbol.dispose]: () => {
        this.#pass = undefined;
      },
    };
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.settings.signal?.removeEventListener('abort', this.#cancel);
  }

  readonly #cancel = (): void => {
    const error = new SandboxError('cancelled', `run ${this.settings.run} was cancelled`, {
      operation: 'run',
      cause: this.settings.signal?.reason,
    });
    this.#controller.abort(error);
    this.#pass?.stop({ kind: 'fail', error });
  };

  async #renew(): Promise<void> {
    const { journal, run, epoch, claimMs } = this.settings;
    try {
      await journal.renew(run, epoch, claimMs);
    } catch (error) {
      // A journal that is out of reach for a moment is asked again; one that refuses has given the run away.
      if (SandboxError.is(error) && error.code === 'aborted') this.lose(error);
    }
  }
}
