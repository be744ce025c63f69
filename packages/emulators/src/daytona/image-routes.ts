import type { Context, Hono } from 'hono';
import { ApiError } from './api-error.ts';
import { imageOf } from './guest.ts';
import { organizationId } from './sandbox-view.ts';
import type { DaytonaSandboxes } from './sandboxes.ts';
import type { Snapshots, SnapshotShape } from './snapshots.ts';
import { volumeView } from './volumes.ts';
import { readBody } from './wire-bodies.ts';

/** Adds what sandboxes are made of: snapshots and volumes. */
export function addImageRoutes(app: Hono, { parts }: DaytonaSandboxes): void {
  const { snapshots, volumes, context } = parts;
  const show = (c: Context, found: SnapshotShape): Response =>
    c.json(snapshotView(snapshots, found));

  app.get('/snapshots', (c) => {
    const [page, limit] = [Number(c.req.query('page') ?? 1), Number(c.req.query('limit') ?? 100)];
    if (![page, limit].every((value) => Number.isInteger(value) && value >= 1)) {
      throw new ApiError(400, 'page and limit must be whole numbers from 1');
    }
    const all = snapshots.list();
    return c.json({
      items: all.slice((page - 1) * limit, page * limit).map((one) => snapshotView(snapshots, one)),
      ...{ total: all.length, page, totalPages: Math.max(1, Math.ceil(all.length / limit)) },
    });
  });
  app.post('/snapshots', async (c) => {
    const asked = await readBody(c.req, 'newSnapshot');
    const { name, imageName, buildInfo, cpu = 1, memory = 1, disk = 3 } = asked;
    const image = imageName ?? imageOf(buildInfo?.dockerfileContent ?? '');
    const size = { cpu, memory, disk, createdAt: context.clock.now() };
    return show(c, snapshots.add({ name, image, sandboxClass: 'container', ...size }));
  });
  app.get('/snapshots/:id', (c) => show(c, snapshots.get(c.req.param('id'))));
  app.post('/snapshots/:id/activate', (c) => show(c, snapshots.get(c.req.param('id'))));
  app.delete('/snapshots/:id', (c) => {
    snapshots.remove(c.req.param('id'));
    return c.body(null, 200);
  });

  app.get('/volumes', (c) => c.json(volumes.list().map(volumeView)));
  app.post('/volumes', async (c) => {
    const { name } = await readBody(c.req, 'newVolume');
    return c.json(volumeView(volumes.create(name)));
  });
  app.get('/volumes/by-name/:name', (c) => c.json(volumeView(volumes.byName(c.req.param('name')))));
  app.get('/volumes/:id', (c) => c.json(volumeView(volumes.get(c.req.param('id')))));
  app.delete('/volumes/:id', (c) => {
    volumes.remove(c.req.param('id'));
    return c.body(null, 200);
  });
}

function snapshotView(snapshots: Snapshots, shape: SnapshotShape): object {
  const time = new Date(shape.createdAt).toISOString();
  const { id, name, cpu, memory: mem, disk, image, sandboxClass, sourceSandboxId } = shape;
  return {
    ...{ id, name, cpu, mem, disk, organizationId, sandboxClass, gpu: 0, state: 'active' },
    ...(image === undefined ? {} : { imageName: image }),
    general: snapshots.isGeneral(shape),
    ...{ size: null, entrypoint: null, errorReason: null, lastUsedAt: null },
    ...{ sourceSandboxId: sourceSandboxId ?? null, createdAt: time, updatedAt: time },
  };
}
