import type { Provider } from '@gantry/core';
import { docker } from '@gantry/provider-docker';
import { local } from '@gantry/provider-local';
import type { RunProvider } from '../../protocol/runs.ts';

const factories: Readonly<Record<RunProvider, () => Provider>> = {
  local: () => local(),
  docker: () => docker(),
};

/** The providers of a run, by name, in the order asked for. */
export function providersOf(names: readonly RunProvider[]): Readonly<Record<string, Provider>> {
  return Object.fromEntries(names.map((name) => [name, factories[name]()]));
}
