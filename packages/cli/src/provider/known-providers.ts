/** A provider package that exists, whether or not it is installed here. */
export interface KnownProvider {
  readonly name: string;
  /** One line for people. */
  readonly summary: string;
}

/** Every provider that the project publishes. The one place that lists them. */
export const knownProviders: readonly KnownProvider[] = [
  { name: 'local', summary: 'this Linux machine, by its own namespaces, without a daemon' },
  { name: 'docker', summary: 'hardened containers of a Docker daemon' },
  { name: 'e2b', summary: 'microVMs of an E2B account' },
  { name: 'daytona', summary: 'containers or virtual machines of a Daytona account' },
  { name: 'vercel', summary: 'microVMs of a Vercel project' },
];

/** The npm package of a provider. */
export function providerPackage(name: string): string {
  return `@gantry/provider-${name}`;
}

/** What to type to get a provider. */
export function installCommand(name: string): string {
  return `npm install ${providerPackage(name)}`;
}
