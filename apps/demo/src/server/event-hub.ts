import type { ServerEvent } from '../protocol/events.ts';

/** An event with its place in the stream. */
export interface NumberedEvent {
  readonly number: number;
  readonly event: ServerEvent;
}

const kept = 5_000;

/** Tells every open page what happens, and those that come back what they missed, as far as it is remembered. */
export class EventHub {
  readonly #recent: NumberedEvent[] = [];
  readonly #listeners = new Set<(event: NumberedEvent) => void>();
  // Not from 1: numbers of an earlier start of the server must not be taken for those of this one.
  #last: number = Date.now() * 1_000;

  /** The number of the latest event. */
  get last(): number {
    return this.#last;
  }

  publish(event: ServerEvent): void {
    const numbered = { number: ++this.#last, event };
    this.#recent.push(numbered);
    if (this.#recent.length > kept) this.#recent.shift();
    for (const listener of this.#listeners) listener(numbered);
  }

  /**
   * Hears of every event after `since`; without it, of those from now on. Where some are no longer known, a `reset` comes first.
   * Returns what ends it.
   */
  subscribe(since: number | undefined, listener: (event: NumberedEvent) => void): () => void {
    if (since !== undefined && since !== this.#last) {
      const first = this.#recent[0]?.number ?? this.#last + 1;
      if (since < first - 1 || since > this.#last)
        listener({ number: this.#last, event: { type: 'reset' } });
      else for (const event of this.#recent) if (event.number > since) listener(event);
    }
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
