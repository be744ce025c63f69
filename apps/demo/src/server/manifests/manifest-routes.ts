import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { Hono } from 'hono';
import { planRequest } from '../../protocol/manifests.ts';
import type { Providers } from '../providers/providers.ts';
import { requestBody } from '../request-body.ts';
import { planText } from './plan-text.ts';
import { manifestTemplates } from './templates.ts';

/** `/api/manifest`: the schema for editors, templates, and plans. */
export function manifestRoutes(providers: Providers): Hono {
  const schema = createRequire(import.meta.url).resolve('@gantry/core/manifest.schema.json');
  return new Hono()
    .get('/schema', async (context) =>
      context.body(await readFile(schema, 'utf8'), 200, { 'content-type': 'application/json' }),
    )
    .get('/templates', (context) => context.json(manifestTemplates))
    .post('/plan', async (context) => {
      const request = await requestBody(context, planRequest);
      return context.json(await planText(request, providers, context.req.raw.signal));
    });
}
