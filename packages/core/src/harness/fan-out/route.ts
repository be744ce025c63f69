import type { Provider } from '../../contract/provider.ts';
import { SandboxError } from '../../errors/sandbox-error.ts';
import type { FanOutOptions, RouteCandidate } from './fan-out-types.ts';

interface Health {
  failures: number;
  running: number;
}

/** The providers of a harness, and how each has been doing. */
export class Router {
  readonly #providers: ReadonlyMap<string, Provider>;
  readonly #health = new Map<string, Health>();

  constructor(providers: Readonly<Record<string, Provider>>) {
    this.#providers = new Map(Object.entries(providers));
  }

  /** The providers to try for an item, best first. Throws `invalid-argument` for a name that is none of them. */
  order<Item>(
    item: Item,
    preferred: string,
    options: Pick<FanOutOptions<Item>, 'route' | 'weights'>,
  ): readonly string[] {
    const others = [...this.#providers.keys()].filter((name) => name !== preferred);
    const candidates = [preferred, ...others].map((name) => this.#candidate(name));
    const { route = 'first', weights = {} } = options;
    if (typeof route === 'function') return this.#known(route(item, candidates));
    if (typeof route !== 'string') return this.#known(route);
    const load = ({ name, running }: RouteCandidate): number =>
      route === 'spread' ? (running + 1) / (weights[name] ?? 1) : 0;
    return candidates
      .toSorted((left, right) => left.failures - right.failures || load(left) - load(right))
      .map(({ name }) => name);
  }

  provider(name: string): Provider {
    const found = this.#providers.get(name);
    if (found) return found;
    const known = [...this.#providers.keys()].join(', ');
    throw new SandboxError(
      'invalid-argument',
      `there is no provider ${name} in this harness; it has ${known || 'none'}`,
      { operation: 'route' },
    );
  }

  started(name: string): void {
    this.#of(name).running += 1;
  }

  ended(name: string): void {
    this.#of(name).running -= 1;
  }

  /** How a create went: a success wipes out the failures before it. */
  told(name: string, ok: boolean): void {
    const health = this.#of(name);
    health.failures = ok ? 0 : health.failures + 1;
  }

  #candidate(name: string): RouteCandidate {
    return { name, ...this.#of(name) };
  }

  #of(name: string): Health {
    const known = this.#health.get(name) ?? { failures: 0, running: 0 };
    this.#health.set(name, known);
    return known;
  }

  #known(names: readonly string[]): readonly string[] {
    for (const name of names) this.provider(name);
    if (names.length > 0) return names;
    throw new SandboxError('invalid-argument', 'route names no provider', { operation: 'route' });
  }
}
