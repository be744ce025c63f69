import type { EgressProtocol } from '../egress-event.ts';
import type { EventQueue } from '../events/event-queue.ts';
import type { Host } from '../policy/host-name.ts';
import type { VolumeBudget } from './budget.ts';

/** What is known of a request or tunnel when it is decided. */
export interface Attempt {
  readonly protocol: EgressProtocol;
  readonly host?: Host;
  readonly port?: number;
  readonly method?: string;
  readonly path?: string;
}

/** One request or tunnel that was allowed, from the decision to its end. */
export class Exchange {
  readonly attempt: Attempt;
  readonly #id: number;
  readonly #sandbox: string;
  readonly #events: EventQueue;
  readonly #budget: VolumeBudget;
  readonly #onEnd: () => void;
  readonly #begun = performance.now();
  #cut: ((problem: string) => void) | undefined;
  #bytesOut = 0;
  #bytesIn = 0;
  #ended = false;

  constructor(
    facts: { readonly id: number; readonly sandbox: string; readonly attempt: Attempt },
    parts: { readonly events: EventQueue; readonly budget: VolumeBudget },
    onEnd: () => void,
  ) {
    this.attempt = facts.attempt;
    this.#id = facts.id;
    this.#sandbox = facts.sandbox;
    this.#events = parts.events;
    this.#budget = parts.budget;
    this.#onEnd = onEnd;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Says how this is cut short, which a policy, a budget or the session's end may do at any time. */
  onCut(cut: () => void): void {
    this.#cut = (problem) => {
      this.end({ problem });
      cut();
    };
  }

  /** Ends it from outside. */
  cut(problem: string): void {
    if (this.#ended) return;
    if (this.#cut === undefined) this.end({ problem });
    else this.#cut(problem);
  }

  /** Counts bytes on their way to the host. False: the budget is used up, and this has been cut. */
  out(bytes: number): boolean {
    this.#bytesOut += bytes;
    return this.#spend(this.#budget.out(bytes));
  }

  /** Counts bytes on their way from the host. False: the budget is used up, and this has been cut. */
  in(bytes: number): boolean {
    this.#bytesIn += bytes;
    return this.#spend(this.#budget.in(bytes));
  }

  /** Records how it ended. Only the first call counts. */
  end(result: { readonly status?: number; readonly problem?: string }): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#events.add({
      type: 'end',
      sandbox: this.#sandbox,
      id: this.#id,
      ...result,
      bytesOut: this.#bytesOut,
      bytesIn: this.#bytesIn,
      durationMs: Math.round((performance.now() - this.#begun) * 1000) / 1000,
    });
    this.#onEnd();
  }

  #spend(within: boolean): boolean {
    if (!within) this.cut('budget');
    return within && !this.#ended;
  }
}
