import { chownSync } from 'node:fs';
import path from 'node:path';
import { writableEtc } from '../synthetic-etc.ts';
import { quote } from '../launch-text.ts';
import { mergedPath, upperPath, workPath } from './overlay.ts';
import { type WritableRoot, writableHostRoot } from './writable-root.ts';

/** Where root's sandboxes find their directories: in the launchers' own mount namespaces only. */
export const stagePath = '/tmp';

/** A copy-on-write root over the host's own programs that is mounted before anybody has asked for it. */
export interface OverlaidRoot {
  readonly uid: number;
  /** Where its keeper sees the sandbox's directory. */
  readonly place: string;
  readonly writable: WritableRoot;
  /** What bubblewrap is told to make `/etc` of. */
  readonly etc: readonly string[];
}

/** Most that are mounted in one mount namespace: each sandbox's own begins as a copy of it. */
export const mostOverlaid = 8;

/** Makes the directories of such a root, whose place is one of `mostOverlaid`. */
export function prepareOverlaid(directory: string, index: number, uid: number): OverlaidRoot {
  const place = path.join(stagePath, String(index));
  const writable = writableHostRoot(directory, uid, (name) => path.join(place, name));
  const etc = writableEtc(path.join(directory, writable.root), uid);
  chownSync(path.join(directory, 'workspace'), uid, uid);
  return { uid, place, writable, etc };
}

/** A file for the staged spawner: mounts the roots of spares in a mount namespace of their own, and goes on with `text` in it. */
export function overlaidText(
  spares: readonly { readonly name: string; readonly overlaid?: OverlaidRoot }[],
  text: string,
): string {
  // One mount(8) for all. Relative to `place` a guest learns nothing from them.
  const table = spares.flatMap(({ name, overlaid }) =>
    overlaid === undefined
      ? []
      : [
          `${stagePath}/spares/${name} ${overlaid.place} none bind 0 0`,
          ...overlaid.writable.overlays.map((overlay) => mountLine(overlaid.place, overlay.name)),
        ],
  );
  const script = [
    `printf '%s\\n' ${table.map(quote).join(' ')} >"./$0.table" || exit`,
    'mount -n -a -T "./$0.table" || exit 73',
    text,
  ].join('\n');
  return `exec unshare --mount --propagation private sh -c ${quote(script)} "$file"\n`;
}

function mountLine(place: string, name: string): string {
  const options = [
    ...['nosuid', 'nodev', 'volatile', `lowerdir=/${name}`],
    ...[`upperdir=${place}/${upperPath(name)}`, `workdir=${place}/${workPath(name)}`],
  ];
  return `overlay ${place}/${mergedPath(name)} overlay ${options.join(',')} 0 0`;
}
