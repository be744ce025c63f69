import { SandboxError } from '@gantry/core';
import type { EgressBudgets } from '../egress-types.ts';

const minuteMs = 60_000;

/** Bytes that a session may still send and receive. */
export class VolumeBudget {
  #out: number;
  #in: number;

  constructor({ bytesOut = Infinity, bytesIn = Infinity }: EgressBudgets) {
    this.#out = bytesOut;
    this.#in = bytesIn;
  }

  get spent(): boolean {
    return this.#out <= 0 || this.#in <= 0;
  }

  /** False where this was more than was left. */
  out(bytes: number): boolean {
    this.#out -= bytes;
    return this.#out >= 0;
  }

  /** False where this was more than was left. */
  in(bytes: number): boolean {
    this.#in -= bytes;
    return this.#in >= 0;
  }
}

/** Lets so many things begin within any minute. */
export class RateBudget {
  readonly #most: number;
  readonly #begun: number[] = [];
  #oldest = 0;

  constructor(most: number | undefined) {
    this.#most = most ?? Infinity;
  }

  /** False where there have been enough within the last minute. */
  begin(now: number): boolean {
    if (this.#most === Infinity) return true;
    if (this.#begun.length < this.#most) {
      this.#begun.push(now);
      return true;
    }
    const before = this.#begun[this.#oldest];
    if (before === undefined || now - before < minuteMs) return false;
    this.#begun[this.#oldest] = now;
    this.#oldest = (this.#oldest + 1) % this.#begun.length;
    return true;
  }
}

/** Throws `invalid-argument` for a bound that is no bound. */
export function checkBudgets(budgets: EgressBudgets): void {
  for (const [name, value] of Object.entries(budgets)) {
    if (typeof value === 'number' && value >= 0 && Number.isSafeInteger(value)) continue;
    const message = `egress: the budget ${name} is ${String(value)}; give a whole number from 0 on`;
    throw new SandboxError('invalid-argument', message, { operation: 'egress' });
  }
}
