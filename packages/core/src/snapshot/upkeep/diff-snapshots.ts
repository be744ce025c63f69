import type { OperationOptions } from '../../contract/call.ts';
import type { SnapshotStore } from '../../contract/snapshot-store.ts';
import type { Snapshot } from '../../contract/snapshot-types.ts';
import type { Call } from '../../contract/call.ts';
import { toSandboxError } from '../../errors/to-sandbox-error.ts';
import { pathText } from '../../manifest/byte-path.ts';
import { StopSource } from '../../provider/stop-source.ts';
import { snapshotId } from '../format/snapshot-record.ts';
import type { TreeEntry } from '../format/tree-node.ts';
import { ObjectReader } from '../repository/object-reader.ts';
import { openRepository } from '../repository/open-repository.ts';
import { treeDifferences } from '../tree/tree-differences.ts';

/** One side of a difference. */
export interface DiffSide {
  readonly type: 'file' | 'directory' | 'symlink' | 'hardlink';
  /** Octal text. Files and directories. */
  readonly mode?: string;
  /** Bytes. Files. */
  readonly size?: number;
  /** Symbolic links: the target. Hard links: the path of the file's first name. Written like `path`. */
  readonly target?: string;
}

/** One path that is not the same in two snapshots. */
export interface SnapshotDifference {
  /** Workspace-relative. Bytes that are not UTF-8 are written `\xNN`, a backslash `\\`. */
  readonly path: string;
  readonly kind: 'added' | 'removed' | 'changed';
  readonly before?: DiffSide;
  readonly after?: DiffSide;
}

/**
 * Every path that differs between two snapshots of one store, a directory before what is in it, names in the order of their
 * bytes. Directories that are the same are not read.
 */
export async function* diffSnapshots(
  before: Snapshot | string,
  after: Snapshot | string,
  store: SnapshotStore,
  options: OperationOptions = {},
): AsyncGenerator<SnapshotDifference, void> {
  const context = { operation: 'diff' };
  using stop = new StopSource(context, options);
  stop.throwIfStopped('not-started');
  try {
    yield* differences(snapshotId(before), snapshotId(after), store, stop.call);
  } catch (error) {
    if (stop.stopped) throw stop.error('unknown', error);
    throw toSandboxError(error, context);
  }
}

async function* differences(
  before: string,
  after: string,
  store: SnapshotStore,
  call: Call,
): AsyncGenerator<SnapshotDifference, void> {
  const repository = await openRepository(store, call);
  const open = async (id: string) => {
    const { tree, index } = await repository.readSnapshot(id, call);
    const chain = await repository.readIndex(index, call);
    return { tree, reader: new ObjectReader(repository, chain, call) };
  };
  const trees = [await open(before), await open(after)] as const;
  for await (const { path, was, is } of treeDifferences(...trees, call)) {
    yield {
      path: pathText(path),
      kind: was ? (is ? 'changed' : 'removed') : 'added',
      ...(was ? { before: side(was) } : {}),
      ...(is ? { after: side(is) } : {}),
    };
  }
}

function side(entry: TreeEntry): DiffSide {
  const { type } = entry;
  if (type === 'symlink') return { type, target: pathText(entry.target) };
  if (type === 'hardlink') return { type, target: pathText(entry.first) };
  const mode = entry.mode.toString(8).padStart(4, '0');
  return type === 'file' ? { type, mode, size: entry.size } : { type, mode };
}
