import { Spawner } from '@gantry/core/node';
import { SpareDirectories } from './spare-directories.ts';
import type { StateDirectory } from './state-directory.ts';

/** Where root's sandboxes find their directories: in the launchers' own mount namespaces only. */
export const stagePath = '/tmp';

/** What starts the sandboxes of one state directory on this process's behalf. */
export interface Spawners {
  /** Sees the host as this process does. */
  readonly plain: Spawner;
  /**
   * As root: has the directories of all sandboxes, and what they share, below `stagePath`, since their
   * uids cannot reach them below a closed directory. For others the same as `plain`.
   */
  readonly staged: Spawner;
  readonly spares: SpareDirectories;
}

const known = new Map<string, Spawners>();

/** The spawners of a state directory, one set for each process. Nothing is started before it is needed. */
export function spawnersOf(state: StateDirectory): Spawners {
  const existing = known.get(state.path);
  if (existing) return existing;
  const root = process.getuid?.() === 0;
  const plain = new Spawner({ directory: state.path });
  const staged = root
    ? new Spawner({
        directory: state.path,
        prefix: ['unshare', '--mount', '--propagation', 'private'],
        // It stays in the directory itself, which this may cover.
        prelude: [
          `mount -t tmpfs -o mode=0755,size=64k gantry ${stagePath} || exit 72`,
          `mkdir ${stagePath}/sandboxes ${stagePath}/shared || exit 72`,
          `mount --rbind -- sandboxes ${stagePath}/sandboxes || exit 72`,
          `mount --rbind -- shared ${stagePath}/shared || exit 72`,
        ].join('\n'),
      })
    : plain;
  const spares = new SpareDirectories(state, plain, root ? 0o666 : 0o600);
  const made: Spawners = { plain, staged, spares };
  known.set(state.path, made);
  return made;
}
