import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  symlinkSync,
  unlinkSync,
} from 'node:fs';
import { release } from 'node:os';
import path from 'node:path';

/**
 * One overlay of a sandbox, mounted by its launcher in the sandbox's own mount namespace. Lies below
 * the sandbox's directory: `lower.NAME.N` (links to the layers, topmost first), `upper/NAME` (what the
 * guest writes), `work.NAME` (the kernel's), `merged.NAME` or, of the workspace, `workspace` (where it is mounted). Few directories:
 * each takes a block of the disk.
 */
export interface Overlay {
  readonly name: string;
  readonly layers: number;
  /** Whether the guest must be able to rename directories of a layer, and hard links must stay links. */
  readonly exact?: boolean;
}

/** Where the guest's writes to an overlay are, in the sandbox's directory. */
export function upperPath(name: string): string {
  return path.join('upper', name);
}

/** Where an overlay is mounted, in the sandbox's directory. */
export function mergedPath(name: string): string {
  return name === 'workspace' ? name : `merged.${name}`;
}

/** The kernel's own directory of an overlay, in the sandbox's directory. */
export function workPath(name: string): string {
  return `work.${name}`;
}

/** Makes the directories of an overlay of existing directories, topmost first. The guest owns the upper one. */
export function prepareOverlay(
  directory: string,
  name: string,
  layers: readonly string[],
  uid: number | undefined,
): Overlay {
  for (const part of [upperPath(name), workPath(name), mergedPath(name)]) {
    mkdirSync(path.join(directory, part), { recursive: true });
    chmodSync(path.join(directory, part), 0o755);
  }
  // The way to them is closed to others by the state directory, and open to the sandbox's own uid.
  chmodSync(path.join(directory, 'upper'), 0o755);
  layers.forEach((layer, index) =>
    symlinkSync(layer, path.join(directory, layerLink(name, index))),
  );
  if (uid !== undefined) chownSync(path.join(directory, upperPath(name)), uid, uid);
  return { name, layers: layers.length };
}

/**
 * What mount(8) needs, run in the sandbox's directory. Every path is relative: one with a colon or a
 * comma would need quoting, and the guest reads these options in its /proc/self/mountinfo.
 */
export function overlayMount(
  { name, layers, exact }: Overlay,
  inUserNamespace: boolean,
): [string, string] {
  const lower = Array.from({ length: layers }, (_, index) => layerLink(name, index)).join(':');
  return [
    [
      // Without privilege over the file system only `user.` attributes can be written.
      ...(inUserNamespace ? ['userxattr'] : exact ? ['redirect_dir=on', 'index=on'] : []),
      ...(namesItself() ? ['uuid=null'] : []),
      ...['nosuid', 'nodev'],
      // Nothing of it outlives the sandbox: without this, each end of one waits for the disk.
      'volatile',
      ...[`lowerdir=${lower}`, `upperdir=${upperPath(name)}`, `workdir=${workPath(name)}`],
    ].join(','),
    mergedPath(name),
  ];
}

/**
 * Makes directories of the upper layer that are merged with those of the layers below, so that the
 * guest owns them and can add, replace and remove what is in them. A directory that is not open to
 * everybody is left out: owning it would show the guest what it could not read.
 */
export function ownDirectories(
  upper: string,
  layer: string,
  candidates: Iterable<string>,
  uid: number | undefined,
): void {
  for (const name of candidates) {
    const stat = lstatSync(path.join(layer, name), { throwIfNoEntry: false });
    if (!stat?.isDirectory() || (stat.mode & 0o1005) !== 0o005) continue;
    const parent = lstatSync(path.join(upper, path.dirname(name)), { throwIfNoEntry: false });
    if (!parent) continue;
    const made = path.join(upper, name);
    mkdirSync(made);
    chmodSync(made, 0o755);
    if (uid !== undefined) chownSync(made, uid, uid);
  }
}

/** Commands that run another one in a mount namespace of its own, in which it may mount. */
export function mountNamespace(): string[] {
  return process.getuid?.() === 0
    ? ['unshare', '--mount', '--propagation', 'private']
    : ['unshare', '--user', '--map-root-user', '--mount', '--propagation', 'private'];
}

/** Once an overlay is mounted nothing needs the links to its layers, and who walks the directory must not follow them. */
export function dropLayerLinks(directory: string, overlays: readonly Overlay[]): void {
  for (const { name, layers } of overlays) {
    for (let index = 0; index < layers; index += 1) {
      unlinkSync(path.join(directory, layerLink(name, index)));
    }
  }
}

/** The kernel leaves its work directories closed, also to an ordinary user who is to remove them. */
export function openWorkDirectories(directory: string): void {
  if (!lstatSync(directory, { throwIfNoEntry: false })?.isDirectory()) return;
  for (const name of readdirSync(directory).filter((entry) => entry.startsWith(workPath('')))) {
    for (const closed of ['work', 'work/incompat', 'work/incompat/volatile', 'index']) {
      const file = path.join(directory, name, closed);
      if (lstatSync(file, { throwIfNoEntry: false })?.isDirectory()) chmodSync(file, 0o700);
    }
  }
}

/** Whether this kernel would keep an id of its own for an overlay, in a block of the disk (Linux 6.6). No overlay is mounted twice. */
function namesItself(): boolean {
  const [major = 0, minor = 0] = release().split('.').map(Number);
  return process.platform === 'linux' && (major > 6 || (major === 6 && minor >= 6));
}

function layerLink(name: string, index: number): string {
  return `lower.${name}.${index}`;
}
