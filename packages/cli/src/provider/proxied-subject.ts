import { testNetwork } from '@gantry/conformance';
import type { Provider } from '@gantry/core';
import { loadEgress } from './load-egress.ts';
import { loadProvider } from './load-provider.ts';

/** The provider of a module behind a proxy that knows the hosts of the conformance suite, in whatever process loads it. */
export default async function proxiedSubject({
  load,
}: {
  readonly load: string;
}): Promise<Provider> {
  return (await loadEgress())(await loadProvider(load), testNetwork);
}
