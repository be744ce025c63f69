import { Hono } from 'hono';
import { branchRequest, compareRequest } from '../../protocol/compare.ts';
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
      const { branch } = await requestBody(context, branchRequest);
      return context.json(await comparisons.keep(context.req.param('id'), branch));
    })
    .post('/:id/stop', async (context) => {
      const { branch } = await requestBody(context, branchRequest);
      return context.json(comparisons.stopBranch(context.req.param('id'), branch));
    })
    .delete('/:id', async (context) => {
      await comparisons.remove(context.req.param('id'));
      return context.json({});
    });
}
