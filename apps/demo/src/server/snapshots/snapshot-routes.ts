import { Hono } from 'hono';
import type { OperationAnswer } from '../../protocol/sandboxes.ts';
import {
  rehydrateRequest,
  snapshotRequest,
  type SnapshotEntriesAnswer,
} from '../../protocol/snapshots.ts';
import type { DemoContext } from '../demo-context.ts';
import { foreignBytesPolicy } from '../page-policy.ts';
import { requestBody } from '../request-body.ts';
import { rehydrateSnapshot } from './rehydrate-snapshot.ts';
import { snapshotEntries, snapshotFile } from './snapshot-contents.ts';
import { given } from './snapshots.ts';
import { takeSnapshot } from './take-snapshot.ts';

/** `/api/snapshots`: their tree, what is in them, what differs, whether they are whole, and sandboxes made of them. */
export function snapshotRoutes(demo: DemoContext): Hono {
  const { snapshots } = demo;
  return new Hono()
    .get('/', async (context) => context.json(await snapshots.list()))
    .get('/diff', async (context) => {
      const { a, b } = context.req.query();
      return context.json(await snapshots.diff(given(a, 'a'), given(b, 'b')));
    })
    .get('/:id', async (context) => context.json(await snapshots.view(context.req.param('id'))))
    .get('/:id/entries', async (context) => {
      const snapshot = await snapshots.read(context.req.param('id'));
      const path = context.req.query('path') ?? '';
      const entries = await snapshotEntries(snapshot, snapshots.store, path);
      const answer: SnapshotEntriesAnswer = { path, entries };
      return context.json(answer);
    })
    .get('/:id/file', async (context) => {
      const snapshot = await snapshots.read(context.req.param('id'));
      const path = given(context.req.query('path'), 'path');
      return context.body(await snapshotFile(snapshot, snapshots.store, path), 200, {
        'content-type': 'application/octet-stream',
        'content-security-policy': foreignBytesPolicy,
      });
    })
    .post('/:id/verify', async (context) => {
      const { operation } = context.req.query();
      const { contents } = await snapshots.read(context.req.param('id'));
      const verified = await snapshots.verify(context.req.param('id'), ({ bytes }) => {
        if (operation === undefined) return;
        demo.events.publish({
          ...{ type: 'progress', operation, state: 'running', what: 'reading every byte' },
          ...{ bytes, totalBytes: Math.max(bytes, contents.bytes) },
        });
      });
      return context.json(verified);
    })
    .post('/:id/rehydrate', async (context) => {
      const request = await requestBody(context, rehydrateRequest);
      const operation = await rehydrateSnapshot(context.req.param('id'), request, demo);
      return context.json({ operation } satisfies OperationAnswer, 202);
    });
}

/** `POST /api/sandboxes/:id/snapshot`. */
export function takeSnapshotRoute(demo: DemoContext): Hono {
  return new Hono().post('/:id/snapshot', async (context) => {
    const request = await requestBody(context, snapshotRequest);
    const operation = takeSnapshot(context.req.param('id'), request, demo);
    return context.json({ operation } satisfies OperationAnswer, 202);
  });
}
