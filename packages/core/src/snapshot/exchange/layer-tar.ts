import type { Call } from '../../contract/call.ts';
import type { Snapshot } from '../../contract/snapshot-types.ts';
import type { BytePath } from '../../manifest/byte-path.ts';
import { ancestors, joinPath, pathBytes } from '../../manifest/byte-path.ts';
import { encodeTarHeader } from '../../manifest/tar-header.ts';
import type { ProgressReporter } from '../progress.ts';
import { ObjectReader } from '../repository/object-reader.ts';
import type { Repository } from '../repository/repository.ts';
import { planRestore, type RestorePlan } from '../restore/restore-plan.ts';
import { snapshotTar } from '../restore/snapshot-tar.ts';
import { treeDifferences } from '../tree/tree-differences.ts';

const workspace = 'workspace';

/** One layer of an image: all of a snapshot, or what differs from the one before, with a whiteout for what is gone. */
export async function* layerTar(
  repository: Repository,
  before: Snapshot | undefined,
  snapshot: Snapshot,
  progress: ProgressReporter,
  call: Call,
): AsyncGenerator<Uint8Array, void, undefined> {
  const chain = await repository.readIndex(snapshot.index, call);
  const reader = new ObjectReader(repository, chain, call);
  const all = await planRestore(snapshot, chain, reader, {}, call);
  const changes = before && (await changesSince(repository, before, snapshot, reader, call));
  const plan = changes ? only(all, changes.changed) : all;
  yield header(workspace, 'directory', 0o755);
  yield* snapshotTar(plan, reader, {
    section: { root: '', steps: [] },
    parts: ['entries', 'directories'],
    prefix: workspace,
    keepSpecialModes: true,
    last: () => (changes?.removed ?? []).map(whiteout),
    onFile: (bytes) => progress.add('writing', bytes, 1),
  });
}

async function changesSince(
  repository: Repository,
  before: Snapshot,
  snapshot: Snapshot,
  reader: ObjectReader,
  call: Call,
): Promise<{ readonly changed: ReadonlySet<BytePath>; readonly removed: readonly BytePath[] }> {
  const chain = await repository.readIndex(before.index, call);
  const old = { tree: before.tree, reader: new ObjectReader(repository, chain, call) };
  const changed = new Set<BytePath>();
  const removed: BytePath[] = [];
  for await (const { path, was, is } of treeDifferences(
    old,
    { tree: snapshot.tree, reader },
    call,
  )) {
    if (is) changed.add(path);
    const replaced = was?.type === 'directory' && is?.type !== 'directory';
    if (was && (!is || replaced)) removed.push(path);
  }
  const gone = new Set(removed);
  // Below a directory that is gone, everything is.
  const topmost = removed.filter((path) => !ancestors(path).some((parent) => gone.has(parent)));
  return { changed, removed: topmost };
}

/** The part of a plan that has changed; of a file with several names, all of them if any has. */
function only(plan: RestorePlan, changed: ReadonlySet<BytePath>): RestorePlan {
  const wanted = new Set(changed);
  for (const { path, entry } of plan.hardlinks) if (changed.has(path)) wanted.add(entry.first);
  for (const { path, entry } of plan.hardlinks) if (wanted.has(entry.first)) wanted.add(path);
  const own = <Item extends { readonly path: BytePath }>(items: readonly Item[]): readonly Item[] =>
    items.filter(({ path }) => wanted.has(path));
  const { facts, bytes } = plan;
  return {
    directories: own(plan.directories),
    files: own(plan.files),
    symlinks: own(plan.symlinks),
    hardlinks: own(plan.hardlinks),
    ...{ facts, bytes },
  };
}

/** An empty file that says that a name of the layers below is gone (OCI image-spec, layer.md). */
function whiteout(path: BytePath): Uint8Array {
  const slash = path.lastIndexOf('/');
  const name = `${path.slice(0, slash + 1)}.wh.${path.slice(slash + 1)}`;
  return header(joinPath(workspace, name), 'file', 0o644);
}

function header(path: BytePath, type: 'file' | 'directory', mode: number): Uint8Array {
  return encodeTarHeader({ type, path: pathBytes(path), mode, size: 0, modifiedSeconds: 0 });
}
