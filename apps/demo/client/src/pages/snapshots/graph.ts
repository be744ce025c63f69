import type { SnapshotView } from '../../../../src/protocol/snapshots.ts';

/** One snapshot's place in the drawn history. */
export interface GraphNode {
  readonly snapshot: SnapshotView;
  readonly row: number;
  readonly column: number;
  /** Where its parent is drawn; absent: it has none here. */
  readonly parent?: { readonly row: number; readonly column: number };
}

/** Places snapshots like a history of commits: the newest on top, a column for each line of descent. */
export function placeSnapshots(snapshots: readonly SnapshotView[]): readonly GraphNode[] {
  const order = newestFirst(snapshots);
  const known = new Set(order.map(({ id }) => id));
  // Which snapshot each column leads down to.
  const columns: (string | undefined)[] = [];
  const places = new Map<string, { row: number; column: number }>();
  for (const [row, { id, parent }] of order.entries()) {
    const leading = columns.indexOf(id);
    const free = columns.indexOf(undefined);
    const column = leading >= 0 ? leading : free >= 0 ? free : columns.length;
    for (const [index, to] of columns.entries()) if (to === id) columns[index] = undefined;
    columns[column] = parent !== undefined && known.has(parent) ? parent : undefined;
    places.set(id, { row, column });
  }
  return order.map((snapshot) => {
    const parent = snapshot.parent === undefined ? undefined : places.get(snapshot.parent);
    const place = places.get(snapshot.id) ?? { row: 0, column: 0 };
    return { snapshot, ...place, ...(parent ? { parent } : {}) };
  });
}

/** By time, but never a parent above its child, whatever the clocks said. */
function newestFirst(snapshots: readonly SnapshotView[]): readonly SnapshotView[] {
  const byId = new Map(snapshots.map((snapshot) => [snapshot.id, snapshot]));
  const placed = new Set<string>();
  const oldest: SnapshotView[] = [];
  const place = (snapshot: SnapshotView): void => {
    if (placed.has(snapshot.id)) return;
    placed.add(snapshot.id);
    const parent = snapshot.parent === undefined ? undefined : byId.get(snapshot.parent);
    if (parent) place(parent);
    oldest.push(snapshot);
  };
  for (const snapshot of snapshots.toSorted((a, b) => a.createdAt - b.createdAt)) place(snapshot);
  return oldest.toReversed();
}
