import { chmodSync, chownSync, lstatSync, mkdirSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { hostDirectories, ownDirectoryNames, rootLink } from '../base-system.ts';
import { mergedPath, type Overlay, ownDirectories, prepareOverlay, upperPath } from './overlay.ts';

/** A root that the guest can write, as the launcher and bubblewrap have to make it. */
export interface WritableRoot {
  readonly overlays: readonly Overlay[];
  /** The directory to be the root, in the sandbox's directory. */
  readonly root: string;
  /** What bubblewrap is told to put on it. */
  readonly base: readonly string[];
}

/**
 * A copy-on-write root over the host's own programs: an empty directory on disk, with an overlay for
 * each part of the host. `seen` turns a path in the sandbox's directory into bubblewrap's.
 */
export function writableHostRoot(
  directory: string,
  uid: number | undefined,
  seen: (name: string) => string,
): WritableRoot {
  mkdirSync(path.join(directory, 'root'));
  chmodSync(path.join(directory, 'root'), 0o755);
  if (uid !== undefined) chownSync(path.join(directory, 'root'), uid, uid);
  const overlays: Overlay[] = [];
  const base = hostDirectories.flatMap((name) => {
    const source = `/${name}`;
    const link = rootLink(source, name);
    if (link) return link;
    if (!lstatSync(source, { throwIfNoEntry: false })?.isDirectory()) return [];
    overlays.push(prepareOverlay(directory, name, [source], uid));
    const candidates = name === 'usr' ? usrDirectories(source) : children(source, '');
    ownDirectories(path.join(directory, upperPath(name)), source, candidates, uid);
    return ['--bind', seen(mergedPath(name)), source];
  });
  const links = ['--symlink', '/tmp', '/var/tmp', '--symlink', '/run', '/var/run'];
  return { overlays, root: 'root', base: [...base, '--dir', '/var', ...links] };
}

/** A copy-on-write root over a directory that is a whole root file system. */
export function writableRootfs(
  directory: string,
  rootfs: string,
  uid: number | undefined,
): WritableRoot {
  const name = 'root';
  const overlay = prepareOverlay(directory, name, [rootfs], uid);
  const upper = path.join(directory, upperPath(name));
  // Real directories to mount on, whatever is there in the layer: a link could lead elsewhere.
  for (const own of ownDirectoryNames) {
    mkdirSync(path.join(upper, own));
    if (uid !== undefined) chownSync(path.join(upper, own), uid, uid);
  }
  const top = children(rootfs, '').filter((entry) => !ownDirectoryNames.has(entry));
  const candidates = [
    ...top,
    ...['var/lib', 'var/cache', 'var/log', 'var/spool', 'var/opt', 'var/local'],
    ...children(rootfs, 'etc'),
    ...usrDirectories(path.join(rootfs, 'usr')).map((entry) => path.join('usr', entry)),
  ];
  ownDirectories(upper, rootfs, candidates, uid);
  return { overlays: [overlay], root: mergedPath(name), base: [] };
}

/** Where programs are installed below `/usr`, parents before what is in them. */
function usrDirectories(usr: string): string[] {
  const library = /linux-(gnu|musl)|^python3|^node_modules$/;
  const libraries = ['lib', 'local/lib'].flatMap((name) =>
    children(usr, name).filter((entry) => library.test(path.basename(entry))),
  );
  return [
    ...children(usr, ''),
    ...children(usr, 'local'),
    ...libraries,
    ...libraries.flatMap((name) =>
      ['dist-packages', 'site-packages'].map((part) => `${name}/${part}`),
    ),
  ];
}

function children(root: string, name: string): string[] {
  const directory = path.join(root, name);
  if (!lstatSync(directory, { throwIfNoEntry: false })?.isDirectory()) return [];
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => path.join(name, entry.name));
}
