import type { Provider } from '@gantry/core';
import { docker } from '@gantry/provider-docker';
import { local } from '@gantry/provider-local';
import type { runProviders } from '../protocol/runs.ts';

const factories: Readonly<Record<(typeof runProviders)[number], () => Provider>> = {
  local: () => local(),
  docker: () => docker(),
};

/** The providers of a run, by name, in the order asked for. */
export function providersOf(
  names: readonly (typeof runProviders)[number][],
): Readonly<Record<string, Provider>> {
  return Object.fromEntries(names.map((name) => [name, factories[name]()]));
}
