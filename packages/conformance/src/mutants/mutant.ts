import type { Provider } from '@gantry/core';
import type { DriverWrapper } from '@gantry/core/driver';

/** One promise broken on purpose, and the checks that must notice. */
export interface Mutant {
  readonly name: string;
  /** What is wrong with it, in a line; where the bug was seen in the wild, that bug. */
  readonly breaks: string;
  /** Ids of checks that must all fail under it. */
  readonly kills: readonly string[];
  /** Breaks it in the driver, which is where adapters have their bugs. */
  readonly wrap?: DriverWrapper;
  /** Breaks what core itself promises; for those no driver wrapper can. */
  readonly weaken?: (provider: Provider) => Provider;
}

/** The provider with a mutant's defect. */
export function mutate(provider: Provider, { wrap, weaken }: Mutant): Provider {
  const wrapped = wrap ? provider.wrap(wrap) : provider;
  return weaken ? weaken(wrapped) : wrapped;
}
