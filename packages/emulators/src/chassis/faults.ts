import type { WireRequest } from './listener.ts';

/** What goes wrong with a request. */
export type WireFault =
  /** The vendor's own error, in place of the work. */
  | { readonly kind: 'status'; readonly status: number; readonly retryAfterSeconds?: number }
  /** The work begins later. */
  | { readonly kind: 'delay'; readonly milliseconds: number }
  /** The connection is lost after that many bytes of the answer's body; the work goes on. */
  | { readonly kind: 'cut'; readonly afterBytes: number }
  /** Nothing more arrives after that many bytes, and the connection stays open. */
  | { readonly kind: 'stall'; readonly afterBytes: number };

/** Which requests go wrong. */
export interface WireFaultRule {
  readonly method?: string;
  /** The path without its query: the whole of it, or what a pattern finds in it. */
  readonly path: string | RegExp;
  readonly fault: WireFault;
  /** How many of the requests that match are left alone first. Default 0. */
  readonly after?: number;
  /** How many go wrong then. Default: all. */
  readonly times?: number;
}

/** The faults that an emulator is to show, by rules that can be added and taken back at any time. */
export class WireFaults {
  readonly #rules = new Map<WireFaultRule, number>();

  /** Disposing takes the rule back. */
  add(rule: WireFaultRule): Disposable {
    this.#rules.set(rule, 0);
    return { [Symbol.dispose]: () => void this.#rules.delete(rule) };
  }

  /** What goes wrong with this request, which counts for every rule that it matches. */
  next(request: WireRequest): WireFault | undefined {
    const path = (request.url ?? '').split('?', 1)[0] ?? '';
    let found: WireFault | undefined;
    for (const [rule, seen] of this.#rules) {
      if (!matches(rule, request.method ?? '', path)) continue;
      this.#rules.set(rule, seen + 1);
      const { after = 0, times = Infinity } = rule;
      if (seen >= after && seen < after + times) found ??= rule.fault;
    }
    return found;
  }
}

function matches({ method, path }: WireFaultRule, actual: string, place: string): boolean {
  if (method !== undefined && method !== actual) return false;
  return typeof path === 'string' ? path === place : path.test(place);
}
