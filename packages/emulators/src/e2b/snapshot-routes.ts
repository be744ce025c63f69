import type { Context, Hono } from 'hono';
import type { EmulatorContext } from '../chassis/emulator.ts';
import { ApiError, toApiError } from './api-error.ts';
import type { E2bSandbox, E2bSandboxes } from './e2b-sandbox.ts';
import { sandboxAnswer } from './sandbox-view.ts';
import type { Snapshots, StoredSnapshot } from './snapshots.ts';
import { type NewSandbox, readBody } from './wire-bodies.ts';

/** What the routes of snapshots share with the control plane. */
interface SnapshotParts {
  readonly context: EmulatorContext;
  readonly sandboxes: E2bSandboxes;
  readonly snapshots: Snapshots;
  readonly find: (c: Context) => E2bSandbox;
  readonly create: (request: NewSandbox) => Promise<E2bSandbox>;
}

/** Adds snapshots, what is made of them apart, and forks: a snapshot and sandboxes of it in one. */
export function addSnapshotRoutes(app: Hono, parts: SnapshotParts): void {
  const { context, snapshots, find, create } = parts;

  const take = async (c: Context, name?: string): Promise<StoredSnapshot> => {
    const emulated = find(c);
    return emulated.alone(async () => {
      if (emulated.state === 'running') return snapshots.take(emulated, name);
      throw new ApiError(409, `Sandbox ${emulated.id} is paused`);
    });
  };

  app.post('/sandboxes/:id/snapshots', async (c) => {
    const { name } = await readBody(c.req, 'snapshot');
    const { id, names } = await take(c, name);
    return c.json({ snapshotID: id, names }, 201);
  });
  app.get('/snapshots', (c) => {
    const { sandboxID, name } = c.req.query();
    return c.json(
      snapshots.list(sandboxID, name).map(({ id, names }) => ({ snapshotID: id, names })),
    );
  });
  app.delete('/templates/:template{.+}', (c) => {
    snapshots.remove(decodeURIComponent(c.req.param('template')));
    return c.body(null, 204);
  });
  app.post('/sandboxes/:id/fork', async (c) => {
    const { count = 1, timeout } = await readBody(c.req, 'fork');
    const { request } = find(c).details;
    const snapshot = await take(c);
    try {
      const clone = { ...request, templateID: snapshot.id };
      const made = await Promise.allSettled(
        Array.from({ length: count }, () =>
          create(timeout === undefined ? clone : { ...clone, timeout }),
        ),
      );
      const answers = made.map((one) => {
        if (one.status === 'fulfilled') return { sandbox: sandboxAnswer(context, one.value) };
        const { status, message } = toApiError(one.reason);
        return { error: { code: status, message } };
      });
      return c.json(answers, 201);
    } finally {
      snapshots.remove(snapshot.id);
    }
  });
}
