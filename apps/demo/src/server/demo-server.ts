import { mkdir } from 'node:fs/promises';
import { createServer } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import { createApp } from './app.ts';
import { Comparisons } from './compare/comparisons.ts';
import { ConformanceRuns } from './conformance/conformance-runs.ts';
import type { DemoContext } from './demo-context.ts';
import { EventHub } from './event-hub.ts';
import { Guard } from './guard.ts';
import { Runs } from './runs/runs.ts';
import { listen } from './listen.ts';
import { Providers } from './providers/providers.ts';
import { Previews } from './sandboxes/previews.ts';
import { Sandboxes } from './sandboxes/sandboxes.ts';
import { Snapshots } from './snapshots/snapshots.ts';
import { Terminals } from './sandboxes/terminals.ts';

/** How the server is started. */
export interface DemoServerOptions {
  /** On 127.0.0.1; 0 takes a free one. */
  readonly port: number;
  /** Made when it is missing. */
  readonly stateDirectory: string;
}

/** A running server. Disposing ends it and every emulator; sandboxes live on until their time is over. */
export interface DemoServer extends AsyncDisposable {
  /** With the token: whoever opens it may use everything. */
  readonly url: string;
  readonly context: DemoContext;
}

/** Starts the demo's server. */
export async function startDemoServer(options: DemoServerOptions): Promise<DemoServer> {
  const { stateDirectory } = options;
  await mkdir(stateDirectory, { recursive: true, mode: 0o700 });
  await using started = new AsyncDisposableStack();
  const events = new EventHub();
  const providers = started.use(new Providers(events));
  // So that the first page need not wait for it.
  providers.list(false).catch((error: unknown) => console.error(error));
  const sandboxes = started.use(new Sandboxes(stateDirectory, events, providers));
  const previews = started.use(new Previews());
  const snapshots = new Snapshots(stateDirectory, events);
  await Promise.all([sandboxes.open(), snapshots.open()]);
  const runs = started.use(await Runs.open(stateDirectory, events, snapshots));
  const shared = { stateDirectory, events, providers, sandboxes, previews, snapshots, runs };
  const comparisons = started.use(new Comparisons(shared));
  const conformance = started.use(new ConformanceRuns(stateDirectory, events, providers));
  await Promise.all([comparisons.open(), conformance.open()]);
  const context: DemoContext = { ...shared, comparisons, conformance };
  const server = createServer();
  const port = await listen(server, options.port);
  const guard = new Guard(port);
  const app = createApp(context, guard);
  const listener = getRequestListener((request, env) => app.fetch(request, env), {
    overrideGlobalObjects: false,
  });
  server.on('request', (request, response) => {
    void listener(request, response);
  });
  const terminals = new Terminals(sandboxes);
  server.on('upgrade', (request, socket, head) => {
    socket.on('error', () => socket.destroy());
    const refusal = guard.refuseSocket(request.headers);
    if (refusal) socket.end(`HTTP/1.1 ${refusal.status} ${refusal.message}\r\n\r\n`);
    else if (!terminals.take(request, socket, head)) socket.end('HTTP/1.1 404 Not Found\r\n\r\n');
  });
  started.defer(async () => {
    terminals.close();
    server.closeAllConnections();
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
    });
  });
  const all = started.move();
  return {
    url: `http://127.0.0.1:${port}/?token=${guard.token}`,
    context,
    [Symbol.asyncDispose]: () => all[Symbol.asyncDispose](),
  };
}
