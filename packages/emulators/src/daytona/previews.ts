import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { EmulatorContext } from '../chassis/emulator.ts';
import { hostOf, refusedBy } from '../chassis/guard.ts';
import { Listener, type WireRequest, type WireResponse } from '../chassis/listener.ts';
import { proxyRequest, proxyUpgrade } from '../chassis/port-proxy.ts';
import { sameText } from '../chassis/same-text.ts';
import { ApiError } from './api-error.ts';
import { type DaytonaSandbox, newToken } from './daytona-sandbox.ts';
import { dropSecrets, tokenCookie, tokenHeader, tokenQuery } from './preview-secrets.ts';
import { requireReal } from './sandbox-checks.ts';

/** Ports of the vendor's own services in a sandbox. */
const reserved: ReadonlySet<number> = new Set([2280, 22_222, 33_333]);

interface Signed {
  readonly sandbox: DaytonaSandbox;
  readonly port: number;
  readonly expiresAt: number;
}

/** A port of a sandbox, and whether who asks for it was let in by its very address. */
export interface PreviewAddress {
  readonly sandbox: DaytonaSandbox;
  readonly port: number;
  readonly signed: boolean;
}

/**
 * The ports of sandboxes: each has an address of its own on 127.0.0.1, and names below `localhost`, as the vendor's
 * router knows them: `PORT-ID` and, for whoever was given a signed link, `PORT-TOKEN`.
 */
export class Previews {
  readonly #context: EmulatorContext;
  readonly #listeners = new Map<string, Promise<{ url: string; listener: Listener }>>();
  readonly #signed = new Map<string, Signed>();

  constructor(context: EmulatorContext) {
    this.#context = context;
  }

  /** The address of a port and the token that a private sandbox asks for. */
  async open(sandbox: DaytonaSandbox, port: number): Promise<{ url: string; token: string }> {
    checkPort(port);
    const key = `${sandbox.id} ${port}`;
    let opening = this.#listeners.get(key);
    if (!opening) {
      opening = this.#listen(sandbox, port);
      this.#listeners.set(key, opening);
      opening.catch(() => this.#listeners.delete(key));
      sandbox.cleanups.add(() => {
        this.#listeners.delete(key);
        // One that never opened needs no end.
        opening?.then(({ listener }) => listener.close()).catch(() => undefined);
      });
    }
    return { url: (await opening).url, token: sandbox.previewToken };
  }

  /** A link that lets in whoever has it, for so many seconds. */
  sign(sandbox: DaytonaSandbox, port: number, seconds: number): { url: string; token: string } {
    checkPort(port);
    const token = newToken();
    this.#context.conceal(token);
    const expiresAt = this.#context.clock.now() + seconds * 1000;
    this.#signed.set(token, { sandbox, port, expiresAt });
    sandbox.cleanups.add(() => this.#signed.delete(token));
    return { url: `http://${port}-${token}.localhost:${this.#context.port}`, token };
  }

  expire(token: string): void {
    this.#signed.delete(token);
  }

  /** What a name below `localhost` means; `undefined` for names that are none of a port's. */
  addressOf(
    request: WireRequest,
    find: (id: string) => DaytonaSandbox | undefined,
  ): PreviewAddress | 'unknown' | undefined {
    const [, port = '', name = ''] = /^(\d+)-([0-9a-f-]+)\.localhost/.exec(hostOf(request)) ?? [];
    if (port === '') return undefined;
    const signed = this.#signed.get(name);
    if (signed) {
      const holds = signed.port === Number(port) && signed.expiresAt > this.#context.clock.now();
      return holds ? { ...signed, signed: true } : 'unknown';
    }
    const sandbox = find(name);
    return sandbox ? { sandbox, port: Number(port), signed: false } : 'unknown';
  }

  request(address: PreviewAddress, request: WireRequest, response: WireResponse): void {
    const say = (status: number, message: string): void => {
      response.statusCode = status;
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ statusCode: status, message, source: 'DAYTONA_PROXY' }));
    };
    if (!this.#mayEnter(address, request)) return say(401, 'Unauthorized');
    const { sandbox, port } = address;
    // The vendor does not stop what is looked at.
    sandbox.lastActivityAt = this.#context.clock.now();
    if (sandbox.state !== 'started') return say(400, 'the sandbox is not started');
    const refused = (): void => say(502, `nothing listens on port ${port}`);
    const { sandbox: guest } = requireReal(sandbox);
    dropSecrets(request, (text) => this.#context.isKey(text));
    proxyRequest(guest, port, request, response, refused).catch(refused);
  }

  upgrade(address: PreviewAddress, request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { sandbox, port } = address;
    if (!this.#mayEnter(address, request) || sandbox.state !== 'started') {
      socket.end('HTTP/1.1 401 Unauthorized\r\n\r\n');
      return;
    }
    sandbox.lastActivityAt = this.#context.clock.now();
    const { sandbox: guest } = requireReal(sandbox);
    dropSecrets(request, (text) => this.#context.isKey(text));
    proxyUpgrade(guest, port, request, socket, head).catch(() => socket.destroy());
  }

  async close(): Promise<void> {
    const opened = await Promise.allSettled(this.#listeners.values());
    const listeners = opened.flatMap((one) =>
      one.status === 'fulfilled' ? [one.value.listener] : [],
    );
    await Promise.all(listeners.map((listener) => listener.close()));
  }

  async #listen(
    sandbox: DaytonaSandbox,
    port: number,
  ): Promise<{ url: string; listener: Listener }> {
    const listener = new Listener();
    const own = await listener.listen(0);
    const address = { sandbox, port, signed: false };
    listener.serve({
      request: (request, response) => {
        const refused = refusedBy(request, own);
        if (refused === undefined) return this.request(address, request, response);
        response.statusCode = 403;
        response.end(`${refused}\n`);
      },
      upgrade: (request, socket, head) => {
        if (refusedBy(request, own)) socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
        else this.upgrade(address, request, socket, head);
      },
    });
    return { url: `http://127.0.0.1:${own}`, listener };
  }

  /** By the token in a header, the query or a cookie, or by the account's key. */
  #mayEnter({ sandbox, signed }: PreviewAddress, request: WireRequest): boolean {
    if (signed || sandbox.request.public) return true;
    const { headers } = request;
    const query = new URL(request.url ?? '/', this.#context.url).searchParams.get(tokenQuery);
    const cookie = tokenCookie.exec(headers.cookie ?? '')?.[2];
    const given = [headers[tokenHeader], query, cookie].map((value) => String(value ?? ''));
    const key = /^Bearer (.*)$/.exec(headers.authorization ?? '')?.[1];
    return given.some((value) => sameText(value, sandbox.previewToken)) || this.#context.isKey(key);
  }
}

function checkPort(port: number): void {
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new ApiError(400, `Invalid port: ${port}`);
  }
  if (reserved.has(port)) throw new ApiError(501, `unsupported: the service on port ${port}`);
}
