import { SandboxError } from '../../errors/sandbox-error.ts';
import type { Budgets } from './policy.ts';

/** Counts what is used against what may be used. */
export class Budget {
  readonly #limits: Budgets;
  readonly #what: string;
  readonly #since: number = performance.now();
  #sandboxes = 0;
  #commands = 0;

  constructor(limits: Budgets, what: string) {
    this.#limits = limits;
    this.#what = what;
  }

  /** Counts one more; throws where that is too much. */
  spend(kind: 'sandboxes' | 'commands'): void {
    this.checkTime();
    const used = kind === 'sandboxes' ? ++this.#sandboxes : ++this.#commands;
    const limit = this.#limits[kind];
    if (limit !== undefined && used > limit) throw this.#exceeded(`${limit} ${kind}`);
  }

  checkTime(): void {
    const { seconds } = this.#limits;
    if (seconds === undefined || performance.now() - this.#since <= seconds * 1000) return;
    throw this.#exceeded(`${seconds} seconds`);
  }

  #exceeded(limit: string): SandboxError {
    return new SandboxError('resource-exhausted', `${this.#what} has used up its ${limit}`, {
      operation: 'budget',
      outcome: 'not-started',
      retryable: false,
      details: { reason: 'budget', limit },
    });
  }
}
