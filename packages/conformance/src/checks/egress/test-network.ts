import { createPrivateKey } from 'node:crypto';
import { lookup as lookupHere, Resolver } from 'node:dns/promises';
import { createAuthority, createCertificate, type TestCertificate } from './test-certificate.ts';

/** The names of hosts that exist for this suite: `api.p5300.gantry.test` is known to a name server at port 5300 of the loopback. */
const testName = /\.p(\d{1,5})\.gantry\.test$/;
const authorityName = 'Gantry conformance';
/** Shared by all copies of this module, in this process and in those that it starts. The key is worth nothing outside of a run. */
const variable = 'GANTRY_CONFORMANCE_AUTHORITY';

/**
 * What a subject that enforces its network policy in a proxy of its own has to be told, since the hosts that the checks use are on
 * this machine: how their names are resolved, and who certifies them. All other names are resolved as ever.
 */
export const testNetwork: {
  readonly lookup: (name: string) => Promise<readonly string[]>;
  readonly authorities: readonly string[];
} = {
  async lookup(name) {
    const port = testName.exec(name)?.[1];
    if (port === undefined)
      return (await lookupHere(name, { all: true })).map(({ address }) => address);
    const resolver = new Resolver({ timeout: 5_000, tries: 2 });
    resolver.setServers([`127.0.0.1:${port}`]);
    return resolver.resolve4(name);
  },
  get authorities() {
    return [authority().certificate];
  },
};

/** A name below the zone that a name server at this port serves. */
export function zoneOf(nameServerPort: number): string {
  return `p${nameServerPort}.gantry.test`;
}

/** A certificate that a subject with `testNetwork` believes. */
export function certificateFor(names: readonly string[]): TestCertificate {
  const key = createPrivateKey(authority().key);
  return createCertificate(names, { key, name: authorityName });
}

/** A certificate for the same names that nobody believes. */
export function forgedCertificateFor(names: readonly string[]): TestCertificate {
  const key = createPrivateKey(createAuthority(authorityName).key);
  return createCertificate(names, { key, name: authorityName });
}

function authority(): TestCertificate {
  const known = process.env[variable];
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written below, by this process or the one that started it
  if (known !== undefined) return JSON.parse(known) as TestCertificate;
  const made = createAuthority(authorityName);
  process.env[variable] = JSON.stringify(made);
  return made;
}
