import { createServer } from 'node:http';
import { mkdir } from 'node:fs/promises';
import { getRequestListener } from '@hono/node-server';
import { createApp } from './app.ts';
import type { DemoContext } from './demo-context.ts';
import { EventHub } from './event-hub.ts';
import { Guard } from './guard.ts';
import { Runs } from './runs.ts';

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
  const events = new EventHub();
  const runs = await Runs.open(stateDirectory, (news) => events.publish(news));
  const context: DemoContext = { stateDirectory, events, runs };
  const server = createServer();
  const port = await new Promise<number>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, '127.0.0.1', () => {
      const address = server.address();
      if (typeof address === 'object' && address) resolve(address.port);
    });
  });
  const guard = new Guard(port);
  const app = createApp(context, guard);
  const listener = getRequestListener((request, env) => app.fetch(request, env), {
    overrideGlobalObjects: false,
  });
  server.on('request', (request, response) => {
    void listener(request, response);
  });
  return {
    url: `http://127.0.0.1:${port}/?token=${guard.token}`,
    context,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
      await runs.close();
    },
  };
}
