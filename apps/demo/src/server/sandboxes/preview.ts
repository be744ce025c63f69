import { randomBytes } from 'node:crypto';
import http, { type IncomingHttpHeaders, type IncomingMessage, type Server } from 'node:http';
import https from 'node:https';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Endpoint } from '@gantry/core';
import { isSame } from '../guard.ts';
import { listen } from '../listen.ts';

const parameter = 'gantry-preview';
/** Names of this app's own cookies: a guest's server neither sees nor sets them. */
const ownCookie = /^\s*gantry-/;
const hopByHop: ReadonlySet<string> = new Set([
  ...['connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding'],
]);

/**
 * Leads a browser to one port of a sandbox, with the headers that the vendor wants. An origin of its own, so that a page of a
 * guest is no page of this app; and only for who has its token, so that pages elsewhere cannot reach the guest through it.
 */
export class Preview implements AsyncDisposable {
  readonly #token: string = randomBytes(18).toString('base64url');
  readonly #session: string = randomBytes(18).toString('base64url');
  readonly #server: Server;
  readonly #port: number;
  #endpoint: Endpoint | undefined;

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.#port = port;
  }

  static async start(): Promise<Preview> {
    const server = http.createServer();
    const preview = new Preview(server, await listen(server, 0));
    server.on('request', (request, response) => {
      if (!preview.#admit(request, response)) return;
      preview.#forward(request, response).catch(() => response.destroy());
    });
    server.on('upgrade', (request, socket, head) => {
      preview.#upgrade(request, socket, head);
    });
    return preview;
  }

  /** Where it leads from now on. */
  leadTo(endpoint: Endpoint): { readonly url: string } {
    this.#endpoint = endpoint;
    return { url: `http://127.0.0.1:${this.#port}/?${parameter}=${this.#token}` };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
  }

  get #host(): string {
    return `127.0.0.1:${this.#port}`;
  }

  get #cookieName(): string {
    return `${parameter}-${this.#port}`;
  }

  #hasSession({ host, cookie = '' }: IncomingHttpHeaders): boolean {
    if (host !== this.#host) return false;
    const given = cookie.split(/;\s*/).find((one) => one.startsWith(`${this.#cookieName}=`)) ?? '';
    return isSame(given, `${this.#cookieName}=${this.#session}`);
  }

  /** Answers what is not let in, and the first request, which brings the token. */
  #admit(request: IncomingMessage, response: http.ServerResponse): boolean {
    const url = new URL(request.url ?? '/', `http://${this.#host}`);
    if (
      request.headers.host === this.#host &&
      isSame(url.searchParams.get(parameter) ?? '', this.#token)
    ) {
      url.searchParams.delete(parameter);
      response.setHeader(
        'set-cookie',
        `${this.#cookieName}=${this.#session}; HttpOnly; SameSite=Strict; Path=/`,
      );
      response
        .writeHead(303, { location: `${url.pathname.replace(/^\/+/, '/')}${url.search}` })
        .end();
      return false;
    }
    if (this.#hasSession(request.headers)) return true;
    response.writeHead(403, { 'content-type': 'text/plain' }).end('open this port from the demo\n');
    return false;
  }

  #request(request: IncomingMessage): http.ClientRequest {
    const { url, headers } = this.#endpoint ?? { url: '', headers: {} };
    const base = new URL(url);
    const asked = new URL(request.url ?? '/', base);
    const { request: send } = base.protocol === 'https:' ? https : http;
    const target = new URL(
      `${base.pathname.replace(/\/$/, '')}${asked.pathname}${asked.search}`,
      base,
    );
    const passed = withoutOwnCookies(request.headers);
    delete passed.host;
    // A guest's server that looks at its own name finds the one that it was called by.
    if (passed.origin === `http://${this.#host}`) passed.origin = base.origin;
    return send(target, { method: request.method, headers: { ...passed, ...headers } });
  }

  async #forward(request: IncomingMessage, response: http.ServerResponse): Promise<void> {
    const forwarded = this.#request(request);
    const answered = new Promise<IncomingMessage>((resolve, reject) => {
      forwarded.once('response', resolve);
      forwarded.once('error', reject);
    });
    response.once('close', () => forwarded.destroy());
    // What a request's body runs into shows in the answer.
    pipeline(request, forwarded).catch(() => undefined);
    try {
      const answer = await answered;
      response.writeHead(answer.statusCode ?? 502, answerHeaders(answer.headers));
      await pipeline(answer, response);
    } catch (error) {
      if (response.headersSent) throw error;
      const why = error instanceof Error ? error.message : String(error);
      response.writeHead(502, { 'content-type': 'text/plain' });
      response.end(`nothing answers at this port of the sandbox: ${why}\n`);
    }
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => socket.destroy());
    const own = request.headers.origin === `http://${this.#host}`;
    if (!own || !this.#hasSession(request.headers)) {
      socket.end('HTTP/1.1 403 Forbidden\r\nconnection: close\r\n\r\n');
      return;
    }
    const forwarded = this.#request(request);
    forwarded.once('error', () => socket.destroy());
    forwarded.once('response', () =>
      socket.end('HTTP/1.1 502 Bad Gateway\r\nconnection: close\r\n\r\n'),
    );
    forwarded.once('upgrade', (answer, behind, firstBytes) => {
      const lines = Object.entries(answer.headers).map(
        ([name, value]) => `${name}: ${String(value)}`,
      );
      socket.write(['HTTP/1.1 101 Switching Protocols', ...lines, '', ''].join('\r\n'));
      behind.unshift(firstBytes);
      socket.unshift(head);
      pipeline(behind, socket).catch(() => behind.destroy());
      pipeline(socket, behind).catch(() => socket.destroy());
    });
    forwarded.end();
  }
}

function withoutOwnCookies(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const { cookie, ...passed } = headers;
  const others = (cookie ?? '').split(';').filter((one) => one !== '' && !ownCookie.test(one));
  return others.length === 0 ? passed : { ...passed, cookie: others.join(';').trim() };
}

function answerHeaders(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const passed = Object.entries(headers).filter(([name]) => !hopByHop.has(name));
  const cookies = headers['set-cookie']?.filter((cookie) => !ownCookie.test(cookie));
  return { ...Object.fromEntries(passed), ...(cookies ? { 'set-cookie': cookies } : {}) };
}
