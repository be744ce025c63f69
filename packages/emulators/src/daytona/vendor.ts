import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { getRequestListener } from '@hono/node-server';
import type { EmulatorContext, Vendor, VendorService } from '../chassis/emulator.ts';
import type { WireRequest, WireResponse } from '../chassis/listener.ts';
import { dropConnection } from '../chassis/response-tap.ts';
import { sameText } from '../chassis/same-text.ts';
import { ApiError, errorBody, noSandbox, toApiError } from './api-error.ts';
import { controlPlane } from './control-plane.ts';
import type { DaytonaSandbox } from './daytona-sandbox.ts';
import { Events, eventsPath } from './events.ts';
import { fileSignatureHolds } from './file-signature.ts';
import { Previews } from './previews.ts';
import { DaytonaSandboxes } from './sandboxes.ts';
import { Snapshots } from './snapshots.ts';
import { ToolboxSockets } from './toolbox/toolbox-sockets.ts';
import { toolbox } from './toolbox/toolbox.ts';
import { Volumes } from './volumes.ts';

/** Daytona: its API and events, and the daemon and the ports of each sandbox. */
export const daytona: Vendor = {
  name: 'daytona',
  newKey: () => `dtn_${randomBytes(32).toString('hex')}`,
  start: (context) => new DaytonaService(context),
};

/** Without this the adapter would replace the process's own `Request` and `Response`. */
const listenerOptions = { overrideGlobalObjects: false } as const;
const signedPaths: ReadonlySet<string> = new Set(['/files/download', '/files/upload-v2']);

/** A request to the daemon of a sandbox, with the path as that knows it. */
interface ToolboxTarget {
  readonly sandbox: DaytonaSandbox;
  readonly place: URL;
}

class DaytonaService implements VendorService {
  readonly #context: EmulatorContext;
  readonly #events: Events;
  readonly #snapshots = new Snapshots();
  readonly #volumes = new Volumes();
  readonly #sockets = new ToolboxSockets();
  readonly #previews: Previews;
  readonly #sandboxes: DaytonaSandboxes;
  readonly #api: ReturnType<typeof getRequestListener>;
  readonly #toolbox: ReturnType<typeof toolbox>;

  constructor(context: EmulatorContext) {
    this.#context = context;
    this.#events = new Events(context);
    this.#previews = new Previews(context);
    this.#sandboxes = new DaytonaSandboxes({
      ...{ context, events: this.#events, snapshots: this.#snapshots, volumes: this.#volumes },
    });
    const api = controlPlane(this.#sandboxes, this.#previews);
    this.#api = getRequestListener((request) => api.fetch(request), listenerOptions);
    this.#toolbox = toolbox(context);
  }

  environment(key: string): Readonly<Record<string, string>> {
    const { url } = this.#context;
    return { DAYTONA_API_KEY: key, DAYTONA_API_URL: `${url}/api`, DAYTONA_TARGET: 'us' };
  }

  request(request: WireRequest, response: WireResponse): void {
    const address = this.#previews.addressOf(request, (id) => this.#sandboxes.find(id));
    if (address === 'unknown')
      return this.#refuse(response, new ApiError(404, 'no such preview'), request);
    if (address) return this.#previews.request(address, request, response);
    if (!(request.url ?? '').startsWith('/toolbox/')) return void this.#api(request, response);
    try {
      const { sandbox, place } = this.#target(request);
      // The daemon knows no prefix, and hears of nothing but its own sandbox.
      request.url = `${place.pathname}${place.search}`;
      const listener = getRequestListener(
        (fetched, bindings) => this.#toolbox.fetch(fetched, { ...bindings, sandbox }),
        listenerOptions,
      );
      listener(request, response).catch(() => dropConnection(response));
    } catch (error) {
      this.#refuse(response, error, request);
    }
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const address = this.#previews.addressOf(request, (id) => this.#sandboxes.find(id));
    if (address && address !== 'unknown') {
      this.#previews.upgrade(address, request, socket, head);
    } else if ((request.url ?? '').startsWith(eventsPath)) {
      this.#events.upgrade(request, socket, head);
    } else
      this.#upgradeToolbox(request, socket, head).catch((error: unknown) => refuse(socket, error));
  }

  fail(response: WireResponse, status: number, message: string): void {
    this.#refuse(response, new ApiError(status, message), undefined);
  }

  vanish(sandboxId: string): Promise<boolean> {
    return this.#sandboxes.vanish(sandboxId);
  }

  async close(): Promise<void> {
    this.#sockets.close();
    const ended = await Promise.allSettled([
      this.#events.close(),
      this.#previews.close(),
      this.#sandboxes.close(),
    ]);
    this.#snapshots.close();
    this.#volumes.close();
    for (const result of ended) if (result.status === 'rejected') throw result.reason;
  }

  async #upgradeToolbox(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const { sandbox, place } = this.#target(request);
    await this.#sockets.upgrade(sandbox, place, request, socket, head);
  }

  /** The running sandbox that a request is for, if it may use it. Throws the vendor's error. */
  #target(request: WireRequest): ToolboxTarget {
    const place = new URL(request.url ?? '/', this.#context.url);
    const [, id = '', rest = '/'] = /^\/toolbox\/([^/]+)(\/.*)?$/.exec(place.pathname) ?? [];
    const sandbox = this.#sandboxes.find(decodeURIComponent(id));
    place.pathname = rest;
    if (!this.#mayUse(sandbox, place, request)) throw new ApiError(401, 'Unauthorized');
    if (!sandbox) throw noSandbox(id);
    if (sandbox.state !== 'started' && sandbox.state !== 'snapshotting') {
      throw new ApiError(400, `the sandbox is not started: its state is ${sandbox.state}`);
    }
    this.#sandboxes.touch(sandbox);
    return { sandbox, place };
  }

  #mayUse(sandbox: DaytonaSandbox | undefined, place: URL, request: WireRequest): boolean {
    const key = /^Bearer (.*)$/.exec(request.headers.authorization ?? '')?.[1];
    if (this.#context.isKey(key)) return true;
    if (!sandbox) return false;
    const token = request.headers['x-daytona-preview-token'];
    if (typeof token === 'string' && sameText(token, sandbox.previewToken)) return true;
    const { method = '' } = request;
    const { pathname, searchParams } = place;
    const now = this.#context.clock.now();
    return (
      signedPaths.has(pathname) && fileSignatureHolds(sandbox.signingKey, method, searchParams, now)
    );
  }

  #refuse(response: WireResponse, thrown: unknown, request: WireRequest | undefined): void {
    const error = toApiError(thrown);
    const { url: path = '', method = '' } = request ?? {};
    response.statusCode = error.status;
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(errorBody(error, 'DAYTONA_PROXY', { path, method })));
  }
}

function refuse(socket: Duplex, thrown: unknown): void {
  const { status, message } = toApiError(thrown);
  socket.end(`HTTP/1.1 ${status} Refused\r\ncontent-type: text/plain\r\n\r\n${message}\n`);
}
