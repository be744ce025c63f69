import { Hono } from 'hono';
import { compareRequest, keepRequest } from '../../protocol/compare.ts';
import { requestBody } from '../request-body.ts';
import type { Comparisons } from './comparisons.ts';

/** `/api/compare`: fork and compare. */
export function compareRoutes(comparisons: Comparisons): Hono {
  return new Hono()
    .get('/', (context) => context.json(comparisons.list()))
    .post('/', async (context) => {
      const id = await comparisons.start(await requestBody(context, compareRequest));
      return context.json({ id }, 201);
    })
    .get('/:id', (context) => context.json(comparisons.view(context.req.param('id'))))
    .post('/:id/keep', async (context) => {
      const { branch } = await requestBody(context, keepRequest);
      return context.json(await comparisons.keep(context.req.param('id'), branch));
    })
    .delete('/:id', async (context) => {
      await comparisons.remove(context.req.param('id'));
      return context.json({});
    });
}
