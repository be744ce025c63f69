import { SandboxError } from '@gantry/core';
import type { Entry, Manifest } from '@openai/agents/sandbox';
import { portableVariable } from './portable-environment.ts';

/** What is read of a manifest: any copy's instance, the object that makes one, or a saved record of it. */
export type ManifestSource = {
  readonly [
    Field in
      | 'version'
      | 'root'
      | 'entries'
      | 'environment'
      | 'users'
      | 'groups'
      | 'extraPathGrants'
      | 'remoteMountCommandAllowlist'
  ]?: unknown;
};

const allowedOnMounts =
  'ls find stat cat less head tail du grep rg wc sort cut cp tee echo mkdir rm'.split(' ');

/**
 * The SDK's manifest as an object that every copy of the SDK can read, without its class: two copies of it in one program, or none
 * of its code at hand, change nothing. Mounts are refused where a manifest is put in place, so there are none here.
 */
export function portableManifest(source: ManifestSource): Manifest {
  const entries = { ...asRecord('entries', source.entries) } as Record<string, Entry>;
  const environment = Object.fromEntries(
    Object.entries(asRecord('environment', source.environment)).map(([name, value]) => [
      name,
      portableVariable(name, value),
    ]),
  );
  const root = source.root ?? '/workspace';
  if (typeof root !== 'string') throw invalid('root', 'text');
  const fields = {
    version: typeof source.version === 'number' ? source.version : 1,
    root,
    entries,
    environment,
    users: asList<Manifest['users'][number]>('users', source.users),
    groups: asList<Manifest['groups'][number]>('groups', source.groups),
    extraPathGrants: asList<Manifest['extraPathGrants'][number]>(
      'extraPathGrants',
      source.extraPathGrants,
    ),
    remoteMountCommandAllowlist: asList<string>(
      'remoteMountCommandAllowlist',
      source.remoteMountCommandAllowlist ?? allowedOnMounts,
    ),
  };
  const walk = (): WalkedEntry[] => walkEntries(root, entries);
  return {
    ...fields,
    validatedEntries: () => ({ ...entries }),
    *iterEntries() {
      yield* walk();
    },
    ephemeralEntryPaths: () => new Set(ephemeralPaths(entries)),
    ephemeralPersistencePaths: () => new Set(ephemeralPaths(entries)),
    mountTargets: () => [],
    mountTargetsForMaterialization: () => [],
    ephemeralMountTargets: () => [],
    resolveEnvironment: async (overrides = {}) => ({
      ...(await resolvedEnvironment(environment)),
      ...overrides,
    }),
    describe: () =>
      walk()
        .map(({ absolutePath }) => absolutePath)
        .join('\n'),
    withInContainerMountCredentialExposureAcknowledged: refuseMounts,
    withInContainerMountBroadCredentialExposureAcknowledged: refuseMounts,
  };
}

/** Whether a value is a manifest and not the arguments that may hold one. */
export function isManifest(value: object): boolean {
  return 'iterEntries' in value || 'entries' in value;
}

interface WalkedEntry {
  logicalPath: string;
  absolutePath: string;
  entry: Entry;
  depth: number;
}

/** Every entry with its path below the root, parents before what is in them. */
export function walkEntries(
  root: string,
  entries: Readonly<Record<string, Entry>>,
  parent = '',
  depth = 1,
): WalkedEntry[] {
  return Object.entries(entries).flatMap(([name, entry]) => {
    const logicalPath = parent === '' ? tidy(name) : `${parent}/${tidy(name)}`;
    const own = { logicalPath, absolutePath: `${root}/${logicalPath}`, entry, depth };
    const children = entry.type === 'dir' ? (entry.children ?? {}) : {};
    return [own, ...walkEntries(root, children, logicalPath, depth + 1)];
  });
}

/** The values, as the program that reads them gets them. */
export async function resolvedEnvironment(
  environment: Manifest['environment'],
): Promise<Record<string, string>> {
  const values = await Promise.all(
    Object.entries(environment).map(
      async ([name, value]) => [name, await value.resolve()] as const,
    ),
  );
  return Object.fromEntries(values);
}

function* ephemeralPaths(entries: Readonly<Record<string, Entry>>): Generator<string> {
  for (const { logicalPath, entry } of walkEntries('', entries))
    if (entry.ephemeral) yield logicalPath;
}

function tidy(path: string): string {
  return path
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/');
}

function refuseMounts(): never {
  throw new SandboxError('unsupported', 'mounts belong into the manifest of the Gantry client');
}

function asRecord(field: string, value: unknown = {}): object {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  throw invalid(field, 'an object');
}

/** A copy. What is in it was checked by the class that it comes from, and is checked again by the one that it goes to. */
function asList<Item>(field: string, value: unknown = []): Item[] {
  if (Array.isArray(value)) return Array.from<Item>(value);
  throw invalid(field, 'a list');
}

function invalid(field: string, what: string): SandboxError {
  return new SandboxError('invalid-argument', `manifest.${field} is not ${what}`);
}
