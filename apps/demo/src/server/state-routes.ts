import { createRequire } from 'node:module';
import { Hono } from 'hono';
import { z } from 'zod';
import type { StateAnswer } from '../protocol/state.ts';
import { modelView } from './compare/model-view.ts';
import type { DemoContext } from './demo-context.ts';

const packageFacts = z.object({ version: z.string() });

/** `GET /api/state`. */
export function stateRoutes(demo: DemoContext): Hono {
  const { version } = packageFacts.parse(
    createRequire(import.meta.url)('@gantry/core/package.json'),
  );
  return new Hono().get('/', (context) => {
    const answer: StateAnswer = {
      version,
      emulatedRunning: demo.providers.emulators.list(),
      defaultProvider: demo.providers.preferred,
      model: modelView(process.env),
      stateDirectory: demo.stateDirectory,
      lastEvent: demo.events.last,
    };
    return context.json(answer);
  });
}
