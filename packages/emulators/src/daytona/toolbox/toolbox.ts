import { Hono } from 'hono';
import type { EmulatorContext } from '../../chassis/emulator.ts';
import { isGone } from '../../chassis/emulated-sandboxes.ts';
import { ApiError, errorResponse, unsupported } from '../api-error.ts';
import { account } from '../daytona-sandbox.ts';
import { addFileRoutes } from './file-routes.ts';
import { addGitRoutes } from './git-routes.ts';
import { addProcessRoutes } from './process-routes.ts';
import { readSystemMetrics } from './system-metrics.ts';
import { guestOf, type ToolboxBindings } from './toolbox-call.ts';
import { readBody } from '../wire-bodies.ts';

/** The daemon in each sandbox, over plain HTTP. */
export function toolbox({ clock }: EmulatorContext): Hono<{ Bindings: ToolboxBindings }> {
  const app = new Hono<{ Bindings: ToolboxBindings }>();
  app.onError(async (error, c) => {
    const { real } = c.env.sandbox;
    const gone = real !== undefined && (await isGone(error, real.sandbox));
    if (gone) real.interrupt();
    const said = gone ? new ApiError(502, 'the sandbox cannot be reached') : error;
    return errorResponse(said, gone ? 'DAYTONA_PROXY' : 'DAYTONA_DAEMON', {
      path: c.req.path,
      method: c.req.method,
    });
  });
  app.notFound((c) =>
    errorResponse(unsupported(`${c.req.method} ${c.req.path} is not emulated`), 'DAYTONA_DAEMON', {
      path: c.req.path,
      method: c.req.method,
    }),
  );
  app.get('/version', (c) => c.json({ version: '0.218.0' }));
  app.get('/user-home-dir', (c) => c.json({ dir: account.home }));
  app.get('/work-dir', (c) => c.json({ dir: account.home }));
  app.get('/system/metrics', async (c) => {
    const { sandbox } = c.env;
    return c.json(await readSystemMetrics(clock, sandbox, guestOf(c)));
  });
  app.post('/env', async (c) => {
    const { set = {}, unset = [] } = await readBody(c.req, 'env');
    const { sandbox } = c.env;
    const kept = Object.entries({ ...sandbox.env, ...set });
    sandbox.env = Object.fromEntries(kept.filter(([name]) => !unset.includes(name)));
    return c.body(null, 204);
  });
  addProcessRoutes(app);
  addFileRoutes(app);
  addGitRoutes(app);
  return app;
}
