import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isInitializeRequest } from '@modelcontextprotocol/sdk/types.js';
import type { McpServerOptions } from '../server-options.ts';
import { storeOf } from '../session/mcp-session.ts';
import { checkRequest, type RequestRules } from './check-request.ts';
import { HttpSessions } from './http-sessions.ts';
import { readBody } from './read-body.ts';

/** How an HTTP server listens. It does so on 127.0.0.1 only. */
export interface HttpOptions extends McpServerOptions {
  /** Default: a free one. */
  readonly port?: number;
  /** What clients send as `Authorization: Bearer TOKEN`. Default: a new one. */
  readonly token?: string;
  /** Origins of web pages that may ask, such as `http://localhost:6274`. Default: none. */
  readonly origins?: readonly string[];
  /** Clients at once. Default 16. */
  readonly maxSessions?: number;
  /** A session ends after it was idle for this long, in milliseconds. Default: half an hour. */
  readonly idleMs?: number;
}

/** A server that listens. Disposing ends its sessions and destroys their sandboxes. */
export interface HttpMcpServer extends AsyncDisposable {
  readonly url: string;
  /** Whoever has it can run code in the sandboxes of the provider. */
  readonly token: string;
}

/** Serves clients over streamable HTTP, each session with sandboxes of its own. */
export async function serveHttp(options: HttpOptions): Promise<HttpMcpServer> {
  const { port = 0, token = randomBytes(32).toString('base64url'), origins = [] } = options;
  const { maxSessions = 16, idleMs = 30 * 60_000 } = options;
  const sessions = new HttpSessions(options, storeOf(options), { maxSessions, idleMs });
  const server = createServer();
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- listening on a port, an address is of this form
  const rules: RequestRules = { port: (server.address() as AddressInfo).port, token, origins };
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    answer(request, response, rules, sessions).catch((error: unknown) => {
      // What breaks in one request must not end the server; the client is told what it can be told.
      const message = error instanceof Error ? error.message : String(error);
      if (response.headersSent) response.destroy();
      else refuse(response, 500, message);
    });
  });
  return {
    url: `http://127.0.0.1:${rules.port}/mcp`,
    token,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      try {
        await sessions.close();
      } finally {
        server.closeAllConnections();
        await closed;
      }
    },
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  rules: RequestRules,
  sessions: HttpSessions,
): Promise<void> {
  const refusal = checkRequest(request, rules);
  if (refusal) return refuse(response, refusal.status, refusal.message);
  if (new URL(request.url ?? '/', 'http://localhost').pathname !== '/mcp') {
    return refuse(response, 404, 'the server is at /mcp');
  }
  const body = request.method === 'POST' ? await readBody(request) : { json: undefined };
  if (!body) return refuse(response, 413, 'the body is no JSON, or too large');
  const id = request.headers['mcp-session-id'];
  if (typeof id === 'string') {
    const used = sessions.use(id);
    if (!used) return refuse(response, 404, 'there is no such session');
    response.once('close', used.release);
    return used.transport.handleRequest(request, response, body.json);
  }
  if (!isInitializeRequest(body.json)) return refuse(response, 400, 'initialize a session first');
  if (sessions.isFull) return refuse(response, 503, 'there are as many sessions as there may be');
  return sessions.start((transport) => transport.handleRequest(request, response, body.json));
}

function refuse(response: ServerResponse, status: number, message: string): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  const error = { code: -32_000, message };
  response.end(JSON.stringify({ jsonrpc: '2.0', error, id: null }));
}
