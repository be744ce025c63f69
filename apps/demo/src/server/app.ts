import { SandboxError } from '@gantry/core';
import type { HttpBindings } from '@hono/node-server';
import { Hono } from 'hono';
import type { ErrorAnswer } from '../protocol/errors.ts';
import { clientFile } from './client-files.ts';
import { compareRoutes } from './compare/compare-routes.ts';
import { conformanceRoutes } from './conformance/conformance-routes.ts';
import type { DemoContext } from './demo-context.ts';
import { describeError, statusOf } from './error-answer.ts';
import { eventRoutes } from './event-routes.ts';
import type { Guard } from './guard.ts';
import { manifestRoutes } from './manifests/manifest-routes.ts';
import { commonHeaders, pagePolicy } from './page-policy.ts';
import { provenanceRoutes } from './provenance/provenance-routes.ts';
import { runRoutes } from './runs/run-routes.ts';
import { providerRoutes } from './providers/provider-routes.ts';
import { sandboxRoutes } from './sandboxes/sandbox-routes.ts';
import { snapshotRoutes } from './snapshots/snapshot-routes.ts';
import { stateRoutes } from './state-routes.ts';

/** Everything that the server answers, behind its guard. */
export function createApp(demo: DemoContext, guard: Guard): Hono<{ Bindings: HttpBindings }> {
  const app = new Hono<{ Bindings: HttpBindings }>();
  app.use(async (context, next) => {
    const refusal = guard.refuseStranger(context.env.incoming.headers);
    if (refusal) return context.text(`${refusal.message}\n`, refusal.status);
    await next();
    for (const [name, value] of Object.entries(commonHeaders)) context.header(name, value);
    return undefined;
  });
  app.use('/api/*', async (context, next) => {
    const changes = !['GET', 'HEAD'].includes(context.req.method);
    const refusal = guard.refuse(context.env.incoming.headers, changes);
    if (refusal) {
      const code = refusal.status === 401 ? 'unauthenticated' : 'permission-denied';
      const answer: ErrorAnswer = { error: { code, message: refusal.message } };
      return context.json(answer, refusal.status);
    }
    context.header('cache-control', 'no-store');
    return next();
  });
  app.onError((thrown, context) => {
    const error = describeError(thrown);
    if (error.code === 'internal') console.error(thrown);
    return context.json({ error } satisfies ErrorAnswer, statusOf(error.code));
  });

  app.route('/api/state', stateRoutes(demo));
  app.route('/api/events', eventRoutes(demo.events));
  app.route('/api/providers', providerRoutes(demo));
  app.route('/api/runs', runRoutes(demo.runs));
  app.route('/api/runs', provenanceRoutes(demo.runs));
  app.route('/api/manifest', manifestRoutes(demo.providers));
  app.route('/api/sandboxes', sandboxRoutes(demo));
  app.route('/api/snapshots', snapshotRoutes(demo));
  app.route('/api/compare', compareRoutes(demo.comparisons));
  app.route('/api/conformance', conformanceRoutes(demo.conformance));
  app.all('/api/*', (context) => {
    throw new SandboxError('not-found', `there is no ${context.req.method} ${context.req.path}`);
  });

  app.get('*', async (context) => {
    const { headers } = context.env.incoming;
    const url = new URL(context.req.url);
    const token = url.searchParams.get('token');
    if (token !== null && guard.isToken(token)) {
      url.searchParams.delete('token');
      context.header('set-cookie', guard.cookie);
      // Two slashes at its start would be another host.
      return context.redirect(`${url.pathname.replace(/^\/+/, '/')}${url.search}`, 303);
    }
    if (!guard.hasSession(headers)) {
      return context.html(
        '<!doctype html><title>Gantry</title><p>Open the address with the token that <code>npm run demo</code> printed.</p>',
        401,
      );
    }
    const file = await clientFile(url.pathname);
    if (!file) return context.text('there is no such file\n', 404);
    return context.body(file.bytes, 200, {
      'content-type': file.type,
      'content-security-policy': pagePolicy,
      'cache-control': file.immutable ? 'max-age=31536000, immutable' : 'no-store',
    });
  });
  return app;
}
