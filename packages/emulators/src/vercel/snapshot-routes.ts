import type { HttpBindings } from '@hono/node-server';
import type { Hono } from 'hono';
import { pageOf } from './list-page.ts';
import type { VercelSandboxes } from './sandboxes.ts';
import type { StoredSnapshot } from './snapshots.ts';
import { snapshotView } from './views.ts';

const base = '/v2/sandboxes/snapshots';

/** The snapshots of the project, and what each was made on top of. */
export function addSnapshotRoutes(
  app: Hono<{ Bindings: HttpBindings }>,
  { parts: { snapshots } }: VercelSandboxes,
): void {
  const node = (snapshot: StoredSnapshot): object => {
    const siblings = snapshots.siblings(snapshot);
    return {
      snapshot: snapshotView(snapshot),
      siblings: siblings.map(snapshotView),
      count: String(siblings.length + 1),
    };
  };
  app.get(base, (c) => {
    const { name, ...query } = c.req.query();
    const { page, pagination } = pageOf(snapshots.list(name), ({ id }) => id, query);
    return c.json({ snapshots: page.map(snapshotView), pagination });
  });
  /** From a snapshot up to the one that was made of no other; the next page begins with the first that is not shown. */
  app.get(`${base}/tree`, (c) => {
    const { snapshotId = '', limit = '20', sortOrder = 'desc' } = c.req.query();
    const anchor = snapshots.get(snapshotId);
    const line: StoredSnapshot[] = [];
    let next: StoredSnapshot | undefined = anchor;
    while (next && line.length < Number(limit)) {
      line.push(next);
      next = next.parentId === undefined ? undefined : snapshots.get(next.parentId);
    }
    const ordered = sortOrder === 'asc' ? line.toReversed() : line;
    return c.json({
      ...{ snapshots: ordered.map(node), anchor: node(anchor) },
      pagination: { count: line.length, next: next?.id ?? null },
    });
  });
  app.get(`${base}/:id`, (c) =>
    c.json({ snapshot: snapshotView(snapshots.get(c.req.param('id'))) }),
  );
  app.delete(`${base}/:id`, (c) => {
    const snapshot = snapshots.get(c.req.param('id'));
    snapshots.remove(snapshot);
    return c.json({ snapshot: snapshotView(snapshot) });
  });
}
