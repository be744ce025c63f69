import { Spawner } from '@gantry/core/node';
import { mostOverlaid, stagePath } from './copy-on-write/overlaid-root.ts';
import { SpareDirectories } from './spare-directories.ts';
import { SpareMaker } from './spare-maker.ts';
import type { StateDirectory } from './state-directory.ts';

/** What the sandboxes of one state directory are started from, on this process's behalf. */
export interface Spares {
  /** Their keepers see the host as this process does. */
  readonly plain: SpareDirectories;
  /**
   * As root: their keepers have the directories of all sandboxes, and what they share, below `stagePath`, since
   * their uids cannot reach them below a closed directory. For others the same as `plain`.
   */
  readonly staged: SpareDirectories;
  /** As root: their copy-on-write roots over the host's own programs are mounted. */
  readonly overlaid?: SpareDirectories;
}

const known = new Map<string, Spares>();

/** The spares of a state directory, one set for each process. Nothing is started before it is needed. */
export function sparesOf(state: StateDirectory): Spares {
  const existing = known.get(state.path);
  if (existing) return existing;
  const root = process.getuid?.() === 0;
  const plain = new Spawner({ directory: state.path });
  const spares = (keepers: Spawner, overlaid: boolean): SpareDirectories => {
    const fifoMode = root ? 0o666 : 0o600;
    return new SpareDirectories(
      state,
      new SpareMaker({ state, plain, keepers, fifoMode, overlaid }),
    );
  };
  const made = root ? withStage(state, spares) : undefined;
  const unstaged = spares(plain, false);
  const all: Spares = { plain: unstaged, staged: unstaged, ...made };
  // What a process leaves that is killed, the sweep of another one removes.
  if (known.size === 0) process.once('exit', clear);
  known.set(state.path, all);
  return all;
}

function clear(): void {
  for (const { plain, staged, overlaid } of known.values()) {
    for (const spares of new Set([plain, staged, overlaid])) spares?.clear();
  }
}

function withStage(
  state: StateDirectory,
  spares: (keepers: Spawner, overlaid: boolean) => SpareDirectories,
): Pick<Spares, 'staged' | 'overlaid'> {
  const shown = ['sandboxes', 'shared', 'spares'];
  const places = Array.from({ length: mostOverlaid }, (_, index) => String(index));
  const staged = new Spawner({
    directory: state.path,
    prefix: ['unshare', '--mount', '--propagation', 'private'],
    // It stays in the directory itself, which this may cover.
    prelude: [
      `mount -t tmpfs -o mode=0755,size=64k gantry ${stagePath} || exit 72`,
      `mkdir ${[...shown, ...places].map((name) => `${stagePath}/${name}`).join(' ')} || exit 72`,
      ...shown.map((name) => `mount --rbind -- ${name} ${stagePath}/${name} || exit 72`),
    ].join('\n'),
  });
  return { staged: spares(staged, false), overlaid: spares(staged, true) };
}
