import type { Capabilities } from '@gantry/core';
import { type Context, Hono } from 'hono';
import { RateLimit } from '../chassis/quota.ts';
import type { EmulatorContext } from '../chassis/emulator.ts';
import { SetHeaders } from '../chassis/set-headers.ts';
import { ApiError, errorBody, noSandbox, toApiError, unsupported } from './api-error.ts';
import type { E2bSandbox, E2bSandboxes } from './e2b-sandbox.ts';
import { deniesAll, guestRequest, networkPolicy, setHeadersOf } from './guest.ts';
import { readMetrics } from './metrics.ts';
import { listPage } from './sandbox-list.ts';
import { createE2bSandbox, pause, resume, setTimeoutOf } from './sandbox-life.ts';
import { sandboxAnswer, sandboxDetail } from './sandbox-view.ts';
import { addSnapshotRoutes } from './snapshot-routes.ts';
import type { Snapshots } from './snapshots.ts';
import { addVolumeRoutes } from './volumes/volume-routes.ts';
import type { Volumes } from './volumes/volumes.ts';
import { type NewSandbox, readBody } from './wire-bodies.ts';

/** The template that every sandbox is made of. */
const knownTemplates = new Set(['base']);

/** E2B's control plane: sandboxes and their life, in both versions of its paths. */
export function controlPlane(
  context: EmulatorContext,
  sandboxes: E2bSandboxes,
  snapshots: Snapshots,
  volumes: Volumes,
): Hono {
  const { provider, quotas, clock } = context;
  const creates = new RateLimit(clock, quotas.createsPerSecond);
  const app = new Hono();
  // What this machine can do does not change while it is asked again and again.
  let probed: Promise<Capabilities> | undefined;
  const probe = (): Promise<Capabilities> => {
    probed ??= provider.probe();
    probed.catch(() => (probed = undefined));
    return probed;
  };

  app.onError((error) => fail(toApiError(error)));
  app.notFound((c) => fail(unsupported(`${c.req.method} ${c.req.path} is not emulated`)));
  app.use(async (c, next) => {
    // The contents of a volume have keys of their own.
    const isOpen = c.req.path === '/health' || c.req.path.startsWith('/volumecontent/');
    if (!isOpen && !context.isKey(c.req.header('x-api-key'))) {
      throw new ApiError(401, 'Invalid API key');
    }
    await next();
  });
  app.get('/health', (c) => c.text('OK'));

  const find = (c: Context): E2bSandbox => {
    const id = c.req.param('id') ?? '';
    const found = sandboxes.get(id);
    if (!found) throw noSandbox(id);
    return found;
  };
  const make = async (request: NewSandbox, version: 1 | 2): Promise<E2bSandbox> => {
    const snapshot = snapshots.get(request.templateID);
    if (!snapshot && !knownTemplates.has(request.templateID)) {
      throw new ApiError(404, `template '${request.templateID}' not found`);
    }
    const mounts = volumes.mounts((request.volumeMounts ?? []).map(({ name }) => name));
    const headers = new SetHeaders(setHeadersOf(request.network ?? {}));
    const options = guestRequest(
      ...([provider, await probe(), request, version === 2, mounts, headers] as const),
    );
    // From here to the making nothing is waited for: of many that come at once no more get through than may.
    const wait = creates.take();
    if (wait > 0) throw new ApiError(429, 'Too many sandboxes are created at once', wait);
    if (sandboxes.running >= (quotas.runningSandboxes ?? Infinity)) {
      throw new ApiError(429, 'The maximum number of concurrent sandboxes is reached');
    }
    const parts = { context, sandboxes, snapshot, volumes, headers, version } as const;
    return createE2bSandbox(parts, request, options);
  };
  const create = async (c: Context, version: 1 | 2): Promise<Response> => {
    const made = await make(await readBody(c.req, 'newSandbox'), version);
    return c.json(sandboxAnswer(context, made), 201);
  };
  const connect = async (c: Context): Promise<Response> => {
    const emulated = find(c);
    const { timeout = 300, memory } = await readBody(c.req, 'connect');
    const resumed = await resume(context, sandboxes, emulated, timeout, memory === false);
    return c.json(sandboxAnswer(context, emulated), resumed ? 201 : 200);
  };

  app.post('/sandboxes', (c) => create(c, 1));
  app.post('/v2/sandboxes', (c) => create(c, 2));
  app.get('/sandboxes', (c) => listPage(c, sandboxes, ['running']));
  app.get('/v2/sandboxes', (c) => listPage(c, sandboxes, ['running', 'paused']));
  app.get('/sandboxes/:id', (c) => c.json(sandboxDetail(context, find(c))));
  app.delete('/sandboxes/:id', async (c) => {
    const emulated = find(c);
    await emulated.alone(() => sandboxes.end(emulated));
    return c.body(null, 204);
  });
  app.post('/sandboxes/:id/timeout', async (c) => {
    const emulated = find(c);
    const { timeout } = await readBody(c.req, 'timeout');
    if (emulated.state !== 'running') throw noSandbox(emulated.id);
    setTimeoutOf(context, sandboxes, emulated, timeout);
    return c.body(null, 204);
  });
  app.put('/sandboxes/:id/network', async (c) => {
    const emulated = find(c);
    const config = await readBody(c.req, 'network');
    const { allow_internet_access: internet = true } = config;
    const wanted = { network: config, allow_internet_access: internet };
    const none = !internet || deniesAll(config);
    const { details } = emulated;
    const headers = setHeadersOf(config);
    const problem = details.headers.problem(headers, config.allowOut ?? []);
    if (problem !== undefined) throw unsupported(problem);
    details.headers.change(headers);
    // No provider's network is wider than what it was made with; what it is already needs no change.
    const { network } = emulated.sandbox.capabilities;
    if (network?.live) await emulated.sandbox.setNetwork(networkPolicy(provider, wanted, true));
    else if (!none || network?.modes.some((mode) => mode !== 'none')) {
      throw unsupported(`provider ${provider.id} cannot change a network`);
    }
    const { allowPublicTraffic } = details.request.network ?? {};
    details.request = { ...details.request, network: { ...config, allowPublicTraffic } };
    return c.body(null, 204);
  });
  app.post('/sandboxes/:id/pause', async (c) => {
    const emulated = find(c);
    const { memory = true } = await readBody(c.req, 'pause');
    await pause(sandboxes, emulated, memory);
    return c.body(null, 204);
  });
  app.post('/sandboxes/:id/resume', connect);
  app.post('/sandboxes/:id/connect', connect);
  app.post('/v2/sandboxes/:id/connect', connect);
  app.get('/sandboxes/:id/metrics', async (c) => {
    const { start, end } = c.req.query();
    return c.json(await readMetrics(clock, find(c), Number(start ?? 0), Number(end ?? Infinity)));
  });
  app.get('/templates/aliases/:alias', (c) => {
    const alias = c.req.param('alias');
    if (!knownTemplates.has(alias)) throw new ApiError(404, `template '${alias}' not found`);
    return c.json({ templateID: alias, public: true });
  });
  addVolumeRoutes(app, context, volumes);
  addSnapshotRoutes(app, {
    ...{ context, sandboxes, snapshots, find },
    create: (request) => make(request, 2),
  });
  return app;
}

function fail(error: ApiError): Response {
  const headers = new Headers({ 'content-type': 'application/json' });
  if (error.retryAfterSeconds !== undefined) {
    headers.set('retry-after', String(error.retryAfterSeconds));
  }
  return new Response(errorBody(error.status, error.message), { status: error.status, headers });
}
