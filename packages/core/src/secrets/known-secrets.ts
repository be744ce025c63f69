import type { OnSecret } from '../contract/secret-rule.ts';
import type { Json } from '../harness/journal/run-event.ts';
import { redactedError } from './redacted-error.ts';
import { type Redactor, redactor } from './redactor.ts';

/** Values that are kept for one reference: a resolver that makes a new one for each use must not fill the memory. */
const mostOfOne = 32;

/**
 * The secrets that a run knows: those that it was given, and each that was looked up for a sandbox of its since. What was learned
 * stays known when it is rotated, up to the last 32 values of a reference.
 */
export class KnownSecrets implements Redactor {
  /** Name or reference -> values, the newest last. */
  readonly #known: Map<string, readonly string[]>;
  #redactor: Redactor | undefined;
  #follower: OnSecret | undefined;

  constructor(given: Readonly<Record<string, string>> = {}) {
    this.#known = new Map(Object.entries(given).map(([name, value]) => [name, [value]]));
  }

  /** Learns a value; what is redacted from now on is redacted of it too. */
  readonly learn: OnSecret = (reference, value) => {
    this.#follower?.(reference, value);
    if (this.values().includes(value)) return;
    const values = this.#known.get(reference) ?? [];
    this.#known.set(reference, [...values, value].slice(-mostOfOne));
    this.#redactor = undefined;
  };

  /** Tells another what is known, and from now on what is learned. */
  follow(follower: OnSecret): void {
    this.#follower = follower;
    for (const [name, values] of this.#known) for (const value of values) follower(name, value);
  }

  values(): readonly string[] {
    return [...this.#known.values()].flat();
  }

  text(text: string): string {
    return this.#current().text(text);
  }

  json(value: Json): Json {
    return this.#current().json(value);
  }

  /** An error as it may be thrown: the same object where no secret is in it. */
  error(error: unknown): unknown {
    return this.#known.size === 0 ? error : redactedError(error, this.#current());
  }

  #current(): Redactor {
    return (this.#redactor ??= redactor(
      [...this.#known].flatMap(([name, values]) =>
        values.map((value): [string, string] => [name, value]),
      ),
    ));
  }
}
