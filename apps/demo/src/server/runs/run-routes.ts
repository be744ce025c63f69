import { Hono } from 'hono';
import { answerRequest, killSandboxRequest, runSettings } from '../../protocol/runs.ts';
import { requestBody } from '../request-body.ts';
import type { Runs } from './runs.ts';

/** `/api/runs`: begin, watch, kill and resume runs, and what they found. */
export function runRoutes(runs: Runs): Hono {
  return new Hono()
    .get('/', async (context) => context.json(await runs.list()))
    .post('/', async (context) =>
      context.json(await runs.start(await requestBody(context, runSettings)), 201),
    )
    .get('/:id', async (context) => context.json(await runs.view(context.req.param('id'))))
    .get('/:id/events', async (context) => {
      const from = Number(context.req.query('from') ?? '0');
      return context.json(await runs.events(context.req.param('id'), from));
    })
    .get('/:id/fields', async (context) => {
      const record = await runs.record(context.req.param('id'));
      return context.json(await runs.results.fields(record, context.req.query('record') ?? ''));
    })
    .get('/:id/source', async (context) => {
      const record = await runs.record(context.req.param('id'));
      const bytes = await runs.results.source(record, context.req.query('record') ?? '');
      // Never shown as a page of this server: a record is what others wrote.
      return context.body(Uint8Array.from(bytes), 200, {
        'content-type': 'application/octet-stream',
        'content-disposition': 'attachment',
      });
    })
    .post('/:id/kill-sandbox', async (context) => {
      const { scope } = await requestBody(context, killSandboxRequest);
      return context.json(await runs.killSandbox(context.req.param('id'), scope));
    })
    .post('/:id/kill-harness', async (context) =>
      context.json(await runs.killHarness(context.req.param('id'))),
    )
    .post('/:id/resume', async (context) => {
      await runs.resume(context.req.param('id'));
      return context.json({});
    })
    .get('/:id/approvals', async (context) =>
      context.json((await runs.view(context.req.param('id'))).asks),
    )
    .post('/:id/approvals', async (context) => {
      await runs.answer(context.req.param('id'), await requestBody(context, answerRequest));
      return context.json({});
    });
}
