import type { HttpBindings } from '@hono/node-server';
import { type Context, Hono } from 'hono';
import { ApiError, badRequest, errorResponse, unsupported } from './api-error.ts';
import { driveView } from './drives.ts';
import { pageOf } from './list-page.ts';
import type { VercelSandboxes } from './sandboxes.ts';
import { addSessionRoutes } from './session-routes.ts';
import { addSnapshotRoutes } from './snapshot-routes.ts';
import type { VercelSandbox } from './vercel-sandbox.ts';
import { sandboxView, sessionView } from './views.ts';
import { readBody } from './wire-bodies.ts';

/** The project that every sandbox is of. */
export const projectId = 'prj_gantry';
/** Its team. */
export const teamId = 'team_gantry';

/** Vercel's API below `/api`: sandboxes, their sessions and snapshots, and drives. */
export function controlPlane(sandboxes: VercelSandboxes): Hono<{ Bindings: HttpBindings }> {
  const { context, gateway, drives } = sandboxes.parts;
  const app = new Hono<{ Bindings: HttpBindings }>().basePath('/api');
  app.onError((error) => errorResponse(error));
  app.notFound((c) => errorResponse(unsupported(`${c.req.method} ${c.req.path} is not emulated`)));
  app.use(async (c, next) => {
    const token = /^Bearer (.*)$/.exec(c.req.header('authorization') ?? '')?.[1];
    // The token of a deployment carries its claims before the key.
    if (!context.isKey(token) && !context.isKey(token?.split('.')[2])) {
      throw new ApiError(401, 'unauthorized', 'Not authorized');
    }
    await next();
  });

  const whole = (sandbox: VercelSandbox, resumed?: boolean): object => ({
    sandbox: sandboxView(sandbox),
    session: sessionView(sandbox.current),
    routes: gateway.routes(sandbox),
    ...(resumed === undefined ? {} : { resumed }),
  });
  const create = async (c: Context): Promise<Response> => {
    const made = await sandboxes.create(await readBody(c.req, 'newSandbox'));
    return c.json(whole(made));
  };
  const find = (c: Context): VercelSandbox => sandboxes.get(c.req.param('name') ?? '');

  // What is more particular comes first: a sandbox has no name that is a path of its own.
  addSessionRoutes(app, sandboxes);
  addSnapshotRoutes(app, sandboxes);
  app.get('/v2/sandboxes/drives', (c) => {
    const prefix = c.req.query('namePrefix') ?? '';
    const named = drives.list().filter(({ name }) => name.startsWith(prefix));
    const { page, pagination } = pageOf(named.toReversed(), ({ name }) => name, c.req.query());
    return c.json({ drives: page.map((drive) => driveView(drive, projectId)), pagination });
  });
  app.post('/v2/sandboxes/drives/:name', async (c) => {
    const { maxSizeBytes } = await readBody(c.req, 'drive');
    const drive = drives.getOrCreate(c.req.param('name'), maxSizeBytes);
    return c.json({ drive: driveView(drive, projectId) });
  });
  app.delete('/v2/sandboxes/drives/:name', (c) =>
    c.json({ drive: driveView(drives.remove(c.req.param('name')), projectId) }),
  );

  app.post('/v2/sandboxes', create);
  app.post('/v3/sandboxes', create);
  app.get('/v2/sandboxes', (c) => {
    const { namePrefix = '', sortBy = 'createdAt' } = c.req.query();
    if (namePrefix !== '' && sortBy !== 'name') {
      throw badRequest('namePrefix needs sortBy=name');
    }
    const [tag = '', ...value] = (c.req.query('tags') ?? '').split(':');
    const found = sandboxes
      .list()
      .filter(({ name }) => name.startsWith(namePrefix))
      .filter(({ settings }) => tag === '' || settings.tags?.[tag] === value.join(':'))
      // One that is being made is no sandbox yet.
      .filter(({ sessions }) => sessions.length > 0);
    const { page, pagination } = pageOf(sorted(found, sortBy), ({ name }) => name, c.req.query());
    return c.json({ sandboxes: page.map(sandboxView), pagination });
  });
  app.get('/v2/sandboxes/:name', async (c) => {
    const sandbox = find(c);
    const resumed = c.req.query('resume') === 'true' && (await sandboxes.resume(sandbox));
    return c.json(whole(sandbox, resumed));
  });
  app.patch('/v2/sandboxes/:name', async (c) => {
    const sandbox = find(c);
    await sandboxes.update(sandbox, await readBody(c.req, 'update'));
    return c.json({ sandbox: sandboxView(sandbox), routes: gateway.routes(sandbox) });
  });
  app.delete('/v2/sandboxes/:name', async (c) => {
    const sandbox = find(c);
    await sandboxes.delete(sandbox, c.req.query('deleteOrphanSnapshots') === 'true');
    return c.json({ sandbox: sandboxView(sandbox) });
  });
  app.post('/v2/sandboxes/:name/fork', async (c) => {
    const source = find(c);
    return c.json(whole(await sandboxes.fork(source, await readBody(c.req, 'fork'))));
  });
  return app;
}

/** In descending order. */
function sorted(found: readonly VercelSandbox[], sortBy: string): readonly VercelSandbox[] {
  if (sortBy === 'name') return found.toSorted((a, b) => (a.name < b.name ? 1 : -1));
  if (sortBy === 'createdAt') return found.toReversed();
  if (sortBy !== 'statusUpdatedAt') throw badRequest(`sortBy cannot be ${sortBy}`);
  return found.toSorted((a, b) => b.statusUpdatedAt - a.statusUpdatedAt);
}
