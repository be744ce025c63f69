import { type Context, Hono } from 'hono';
import { ApiError, errorResponse, unsupported } from './api-error.ts';
import { type DaytonaSandbox, newToken } from './daytona-sandbox.ts';
import { addImageRoutes } from './image-routes.ts';
import { networkPolicy } from './guest.ts';
import type { Previews } from './previews.ts';
import { listPage } from './sandbox-list.ts';
import { requireReal } from './sandbox-checks.ts';
import type { DaytonaSandboxes } from './sandboxes.ts';
import { readSystemMetrics } from './toolbox/system-metrics.ts';
import { readBody } from './wire-bodies.ts';

/** Minutes that can be set, by the last part of the path. */
const intervals = {
  autostop: 'stop',
  autopause: 'pause',
  autoarchive: 'archive',
  autodelete: 'delete',
} as const;

/** Daytona's API: sandboxes and their life, below `/api`. */
export function controlPlane(sandboxes: DaytonaSandboxes, previews: Previews): Hono {
  const { context } = sandboxes.parts;
  const { provider, clock } = context;
  const app = new Hono().basePath('/api');
  const about = (c: Context): { path: string; method: string } => ({
    path: c.req.path,
    method: c.req.method,
  });
  app.onError((error, c) => errorResponse(error, 'DAYTONA_API', about(c)));
  app.notFound((c) => {
    const error = unsupported(`${c.req.method} ${c.req.path} is not emulated`);
    return errorResponse(error, 'DAYTONA_API', about(c));
  });
  app.use(async (c, next) => {
    const key = /^Bearer (.*)$/.exec(c.req.header('authorization') ?? '')?.[1];
    const open = c.req.path === '/api/config' || c.req.path === '/api/health';
    if (!open && !context.isKey(key)) throw new ApiError(401, 'Invalid credentials');
    await next();
  });
  app.get('/health', (c) => c.json({ status: 'ok' }));
  app.get('/config', (c) =>
    c.json({ version: '0.218.0', proxyToolboxUrl: `${context.url}/toolbox` }),
  );

  const find = (c: Context): DaytonaSandbox => sandboxes.get(c.req.param('id') ?? '');
  const answer = (c: Context, sandbox: DaytonaSandbox): Response => c.json(sandboxes.view(sandbox));

  app.post('/sandbox', async (c) =>
    answer(c, await sandboxes.create(await readBody(c.req, 'newSandbox'))),
  );
  app.get('/sandbox', (c) => listPage(c, sandboxes));
  app.get('/sandbox/:id', (c) => answer(c, find(c)));
  app.delete('/sandbox/:id', (c) => {
    const sandbox = find(c);
    sandboxes.destroy(sandbox);
    return answer(c, sandbox);
  });
  const changes = {
    start: (sandbox) => sandboxes.start(sandbox),
    stop: (sandbox) => sandboxes.stop(sandbox),
    pause: (sandbox) => sandboxes.pause(sandbox),
    archive: (sandbox) => sandboxes.archive(sandbox),
    'last-activity': (sandbox) => sandboxes.touch(sandbox),
  } satisfies Record<string, (sandbox: DaytonaSandbox) => void>;
  for (const [name, change] of Object.entries(changes)) {
    app.post(`/sandbox/:id/${name}`, (c) => {
      const sandbox = find(c);
      change(sandbox);
      return answer(c, sandbox);
    });
  }
  app.post('/sandbox/:id/fork', async (c) => {
    const { name } = await readBody(c.req, 'name');
    return answer(c, await sandboxes.fork(find(c), name));
  });
  app.post('/sandbox/:id/snapshot', async (c) => {
    const { name } = await readBody(c.req, 'name');
    if (name === undefined) throw new ApiError(400, 'a snapshot needs a name');
    const sandbox = find(c);
    await sandboxes.snapshot(sandbox, name);
    return answer(c, sandbox);
  });
  app.post('/sandbox/:id/network-settings', async (c) => {
    const sandbox = find(c);
    const settings = await readBody(c.req, 'network');
    const policy = networkPolicy(provider, settings);
    const { sandbox: guest } = requireReal(sandbox);
    const { network } = guest.capabilities;
    if (network?.live) await guest.setNetwork(policy);
    // No network is wider than what it was made with; what it is already needs no change.
    else if (policy.mode !== networkPolicy(provider, sandbox.network).mode) {
      throw unsupported(`provider ${provider.id} cannot change a network`);
    }
    sandbox.network = settings;
    return answer(c, sandbox);
  });
  app.put('/sandbox/:id/labels', async (c) => {
    const sandbox = find(c);
    sandbox.labels = { ...(await readBody(c.req, 'labels')).labels };
    return c.json({ labels: sandbox.labels });
  });
  app.post('/sandbox/:id/ttl/:minutes', (c) => {
    const sandbox = find(c);
    const minutes = wholeNumber(c, 0);
    sandbox.destroyAt = minutes === 0 ? undefined : clock.now() + minutes * 60_000;
    sandboxes.schedule(sandbox);
    return answer(c, sandbox);
  });
  for (const [name, interval] of Object.entries(intervals)) {
    app.post(`/sandbox/:id/${name}/:minutes`, (c) => {
      const sandbox = find(c);
      sandbox.intervals[interval] = wholeNumber(c, interval === 'delete' ? -1 : 0);
      sandboxes.schedule(sandbox);
      return answer(c, sandbox);
    });
  }
  app.get('/sandbox/:id/toolbox-proxy-url', (c) => {
    find(c);
    return c.json({ url: `${context.url}/toolbox` });
  });
  app.get('/sandbox/:id/ports/:port/preview-url', async (c) => {
    const sandbox = find(c);
    const opened = await previews.open(sandbox, Number(c.req.param('port')));
    return c.json({ sandboxId: sandbox.id, ...opened });
  });
  app.get('/sandbox/:id/ports/:port/signed-preview-url', (c) => {
    const sandbox = find(c);
    const port = Number(c.req.param('port'));
    const seconds = Number(c.req.query('expiresInSeconds') ?? 60);
    if (!(seconds > 0)) throw new ApiError(400, 'expiresInSeconds must be above 0');
    return c.json({ sandboxId: sandbox.id, port, ...previews.sign(sandbox, port, seconds) });
  });
  app.post('/sandbox/:id/ports/:port/signed-preview-url/:token/expire', (c) => {
    find(c);
    previews.expire(c.req.param('token'));
    return c.body(null, 204);
  });
  app.get('/sandbox/:id/signing-key', (c) => c.json(find(c).signingKey));
  app.post('/sandbox/:id/signing-key/rotate', (c) => {
    const sandbox = find(c);
    sandbox.signingKey = newToken();
    context.conceal(sandbox.signingKey);
    return c.json(sandbox.signingKey);
  });
  app.get('/sandbox/:id/telemetry/metrics', async (c) => {
    const sandbox = find(c);
    const { sandbox: guest } = requireReal(sandbox);
    const reading = await readSystemMetrics(clock, sandbox, guest);
    const { from = '', to = '' } = c.req.query();
    const now = clock.now();
    const asked = Date.parse(from) <= now && now <= Date.parse(to) + 1000;
    const series = Object.entries(metricNames).map(([metricName, field]) => ({
      metricName,
      dataPoints: asked ? [{ timestamp: reading['timestamp'], value: reading[field] }] : [],
    }));
    return c.json({ series });
  });
  addImageRoutes(app, sandboxes);
  return app;
}

/** What the vendor calls the figures in its telemetry. */
const metricNames: Readonly<Record<string, string>> = {
  'daytona.sandbox.cpu.limit': 'cpuCount',
  'daytona.sandbox.cpu.utilization': 'cpuUsedPct',
  'daytona.sandbox.memory.limit': 'memTotal',
  'daytona.sandbox.memory.usage': 'memUsed',
  'daytona.sandbox.filesystem.total': 'diskTotal',
  'daytona.sandbox.filesystem.usage': 'diskUsed',
};

function wholeNumber(c: Context, least: number): number {
  const minutes = Number(c.req.param('minutes'));
  if (Number.isInteger(minutes) && minutes >= least) return minutes;
  throw new ApiError(400, `an interval must be a whole number of minutes from ${least}`);
}
