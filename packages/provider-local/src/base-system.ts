import { lstatSync, readdirSync, readlinkSync } from 'node:fs';
import path from 'node:path';

/** Made anew in every sandbox, whatever the root file system has there. */
export const ownDirectoryNames: ReadonlySet<string> = new Set([
  'dev',
  'proc',
  'run',
  'sys',
  'tmp',
  'workspace',
]);

/** The parts of the host that programs run from. */
export const hostDirectories: readonly string[] = [
  'usr',
  'bin',
  'sbin',
  'lib',
  'lib32',
  'lib64',
  'libx32',
];

/** What bubblewrap is told to show the host's own programs read-only; `/etc` is apart. */
export function hostBase(): string[] {
  return hostDirectories
    .flatMap((name) => rootEntry('/', name, `/${name}`))
    .concat([
      ...['--dir', '/var', '--symlink', '/tmp', '/var/tmp', '--symlink', '/run', '/var/run'],
    ]);
}

/**
 * What bubblewrap is told to show a directory as a read-only root. Each entry by itself, so that the
 * mount points it may lack can be made beside them. `seen` is the directory's path for bubblewrap.
 */
export function rootfsBase(directory: string, seen: string): string[] {
  return readdirSync(directory)
    .filter((name) => !ownDirectoryNames.has(name))
    .flatMap((name) => rootEntry(directory, name, path.join(seen, name)));
}

function rootEntry(directory: string, name: string, source: string): string[] {
  const file = path.join(directory, name);
  if (!lstatSync(file, { throwIfNoEntry: false })) return [];
  return rootLink(file, name) ?? ['--ro-bind', source, `/${name}`];
}

/** What bubblewrap is told about an entry of a root that is a symbolic link; `undefined` for others. */
export function rootLink(file: string, name: string): string[] | undefined {
  const stat = lstatSync(file, { throwIfNoEntry: false });
  if (!stat?.isSymbolicLink()) return undefined;
  return ['--symlink', readlinkSync(file), `/${name}`];
}
