import { Hono } from 'hono';
import {
  createRequest,
  execRequest,
  exposeRequest,
  type ExecAnswer,
  type ExposeAnswer,
  type MetricsAnswer,
  type OperationAnswer,
  type ProcessesAnswer,
} from '../../protocol/sandboxes.ts';
import type { DemoContext } from '../demo-context.ts';
import { requestBody } from '../request-body.ts';
import { createSandbox } from './create-sandbox.ts';
import { takeSnapshotRoute } from '../snapshots/snapshot-routes.ts';
import { fileRoutes } from './file-routes.ts';

const maxOutputBytes = 1 << 20;
const execTimeoutMs = 60_000;

/** `/api/sandboxes`: make, see, use and end sandboxes. Their terminals are WebSockets, beside these routes. */
export function sandboxRoutes(demo: DemoContext): Hono {
  const { sandboxes, previews } = demo;
  return new Hono()
    .get('/', (context) => context.json(sandboxes.list()))
    .post('/', async (context) => {
      const request = await requestBody(context, createRequest);
      const answer: OperationAnswer = { operation: await createSandbox(request, demo) };
      return context.json(answer, 202);
    })
    .get('/:id', async (context) => context.json(await sandboxes.details(context.req.param('id'))))
    .delete('/:id', async (context) => {
      const id = context.req.param('id');
      await previews.close(id);
      await sandboxes.destroy(id);
      return context.json({});
    })
    .post('/:id/suspend', async (context) => {
      const id = context.req.param('id');
      await previews.close(id);
      return context.json(await sandboxes.suspend(id));
    })
    .post('/:id/resume', async (context) =>
      context.json(await sandboxes.resume(context.req.param('id'))),
    )
    .post('/:id/exec', async (context) => {
      const { command, timeoutMs = execTimeoutMs } = await requestBody(context, execRequest);
      const sandbox = await sandboxes.reach(context.req.param('id'));
      const { signal } = context.req.raw;
      const result = await sandbox.exec(command, { timeoutMs, maxOutputBytes, signal });
      const { exit, ok, stdout, stderr, durationMs } = result;
      const answer: ExecAnswer = {
        ...{ exit, ok, durationMs, stdout: stdout.text, stderr: stderr.text },
        truncated: stdout.truncated || stderr.truncated,
      };
      return context.json(answer);
    })
    .get('/:id/processes', async (context) => {
      const sandbox = await sandboxes.reach(context.req.param('id'));
      const answer: ProcessesAnswer = { processes: await sandbox.processes() };
      return context.json(answer);
    })
    .get('/:id/metrics', async (context) => {
      const sandbox = await sandboxes.reach(context.req.param('id'));
      const now = await sandbox.metrics();
      const answer: MetricsAnswer = { at: Date.now(), now };
      return context.json(answer);
    })
    .post('/:id/ports', async (context) => {
      const id = context.req.param('id');
      const { port } = await requestBody(context, exposeRequest);
      const endpoint = await (await sandboxes.reach(id)).expose(port);
      const answer: ExposeAnswer = { port, url: await previews.open(id, port, endpoint) };
      return context.json(answer);
    })
    .route('/', fileRoutes(sandboxes))
    .route('/', takeSnapshotRoute(demo));
}
