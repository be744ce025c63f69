import type { CreateOptions, Manifest, Provider, SecretRule } from '@gantry/core';

/** A header that a vendor sets in every request to a host. */
export interface SetHeader {
  readonly host: string;
  readonly header: string;
  readonly text: string;
}

/**
 * The headers that are set for one sandbox, as secrets of the real one: the provider's own proxy sets them. Which there are is
 * decided when it is made; what they hold may change.
 */
export class SetHeaders {
  readonly #rules: readonly SetHeader[];
  readonly #texts = new Map<string, string>();

  constructor(rules: readonly SetHeader[]) {
    this.#rules = rules;
    this.#remember(rules);
  }

  /** What a manifest says of them, and how their texts are found. Empty where none is set. */
  get options(): Pick<CreateOptions, 'secrets'> & { readonly part: Pick<Manifest, 'secrets'> } {
    if (this.#rules.length === 0) return { part: {} };
    const secrets = this.#rules.map((rule, index): [string, SecretRule] => {
      const { host, header } = rule;
      return [
        `SET_HEADER_${index}`,
        { from: keyOf(rule), hosts: [host], header, format: '{secret}' },
      ];
    });
    return {
      part: { secrets: Object.fromEntries(secrets) },
      secrets: (reference) => this.#texts.get(reference),
    };
  }

  /** Says why these cannot take the place of those there are while the sandbox runs, at the hosts that it may then reach. */
  problem(rules: readonly SetHeader[], hosts: readonly string[]): string | undefined {
    const own = new Set(this.#rules.map(keyOf));
    const next = new Set(rules.map(keyOf));
    const added = rules.find((rule) => !own.has(keyOf(rule)));
    if (added) return `${added.header} for ${added.host} cannot be added while the sandbox runs`;
    const left = this.#rules.find((rule) => hosts.includes(rule.host) && !next.has(keyOf(rule)));
    return left && `${left.header} for ${left.host} cannot be left out while it may be reached`;
  }

  /** From now on these texts are sent. */
  change(rules: readonly SetHeader[]): void {
    this.#remember(rules);
  }

  #remember(rules: readonly SetHeader[]): void {
    for (const rule of rules) this.#texts.set(keyOf(rule), rule.text);
  }
}

/** Says why a provider's sandboxes cannot have these headers set, or `undefined`. */
export function setHeadersProblem(
  provider: Provider,
  rules: readonly SetHeader[],
): string | undefined {
  if (rules.length === 0) return undefined;
  if (!provider.capabilities.secrets?.inject.includes('header')) {
    return `provider ${provider.id} sets no headers; withEgress of @gantry/egress has it do so`;
  }
  const overlapping = rules.find(({ host }) =>
    rules.some(
      (wide) =>
        wide.host.startsWith('*.') &&
        host.endsWith(wide.host.slice(1)) &&
        host !== wide.host &&
        !isAlso(wide, host, rules),
    ),
  );
  return overlapping && `rules for ${overlapping.host} and for a wider name that differ`;
}

/** Whether a narrower name has a wider one's header, too. */
function isAlso(wide: SetHeader, host: string, rules: readonly SetHeader[]): boolean {
  return rules.some(
    (rule) => rule.host === host && rule.header === wide.header && rule.text === wide.text,
  );
}

function keyOf({ host, header }: SetHeader): string {
  return `emulated:${host}/${header.toLowerCase()}`;
}
