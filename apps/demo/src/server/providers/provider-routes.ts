import { Hono } from 'hono';
import { startEmulatorRequest } from '../../protocol/providers.ts';
import type { DemoContext } from '../demo-context.ts';
import { requestBody } from '../request-body.ts';

/** `/api/providers`: what there is, what it can do here, and the vendors' emulators. `?fresh=1` asks each provider anew. */
export function providerRoutes({ providers, sandboxes }: DemoContext): Hono {
  return new Hono()
    .get('/', async (context) =>
      context.json(await providers.list(context.req.query('fresh') === '1')),
    )
    .get('/:id', async (context) =>
      context.json(
        await providers.view(context.req.param('id'), context.req.query('fresh') === '1'),
      ),
    )
    .post('/:id/emulator', async (context) => {
      const id = context.req.param('id');
      const { backend } = await requestBody(context, startEmulatorRequest);
      await providers.startEmulator(id, backend);
      return context.json(await providers.view(id));
    })
    .delete('/:id/emulator', async (context) => {
      const id = context.req.param('id');
      await providers.stopEmulator(id);
      // Its sandboxes are gone with it.
      await sandboxes.look();
      return context.json(await providers.view(id));
    });
}
