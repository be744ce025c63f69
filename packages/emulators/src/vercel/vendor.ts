import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { getRequestListener } from '@hono/node-server';
import type { EmulatorContext, Vendor, VendorService } from '../chassis/emulator.ts';
import type { WireRequest, WireResponse } from '../chassis/listener.ts';
import { dropConnection } from '../chassis/response-tap.ts';
import { errorBody, toApiError } from './api-error.ts';
import { controlPlane, projectId, teamId } from './control-plane.ts';
import { Drives } from './drives.ts';
import { InteractiveSockets } from './interactive.ts';
import { PortGateway } from './port-gateway.ts';
import { VercelSandboxes } from './sandboxes.ts';
import { Snapshots } from './snapshots.ts';

/** Vercel Sandbox: its API, the terminals and the ports of its sandboxes. */
export const vercel: Vendor = {
  name: 'vercel',
  newKey: () => randomBytes(24).toString('hex'),
  start: (context) => new VercelService(context),
};

/** Without this the adapter would replace the process's own `Request` and `Response`. */
const listenerOptions = { overrideGlobalObjects: false } as const;
const tenYearsSeconds = 10 * 365 * 24 * 3600;

class VercelService implements VendorService {
  readonly #context: EmulatorContext;
  readonly #snapshots: Snapshots;
  readonly #drives: Drives;
  readonly #gateway = new PortGateway();
  readonly #sandboxes: VercelSandboxes;
  readonly #sockets: InteractiveSockets;
  readonly #api: ReturnType<typeof getRequestListener>;

  constructor(context: EmulatorContext) {
    this.#context = context;
    this.#snapshots = new Snapshots(context.clock);
    this.#drives = new Drives(context.clock);
    this.#sandboxes = new VercelSandboxes({
      ...{ context, snapshots: this.#snapshots, drives: this.#drives, gateway: this.#gateway },
    });
    this.#sockets = new InteractiveSockets(this.#sandboxes);
    const api = controlPlane(this.#sandboxes);
    this.#api = getRequestListener(
      (request, bindings) => api.fetch(request, bindings),
      listenerOptions,
    );
  }

  environment(key: string): Readonly<Record<string, string>> {
    return {
      VERCEL_TOKEN: key,
      VERCEL_TEAM_ID: teamId,
      VERCEL_PROJECT_ID: projectId,
      // For the SDK itself, which knows no variable for a token but that of a deployment.
      VERCEL_OIDC_TOKEN: deploymentToken(key),
      VERCEL_SANDBOX_API_URL: `${this.#context.url}/api`,
    };
  }

  request(request: WireRequest, response: WireResponse): void {
    this.#api(request, response).catch(() => dropConnection(response));
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    try {
      const place = new URL(request.url ?? '/', this.#context.url);
      this.#sockets.upgrade(place, request, socket, head);
    } catch (error) {
      const { status, message } = toApiError(error);
      socket.end(`HTTP/1.1 ${status} Refused\r\ncontent-type: text/plain\r\n\r\n${message}\n`);
    }
  }

  fail(response: WireResponse, status: number, message: string): void {
    response.statusCode = status;
    response.setHeader('content-type', 'application/json');
    response.end(errorBody(status === 429 ? 'rate_limited' : 'internal_server_error', message));
  }

  vanish(sandboxId: string): Promise<boolean> {
    return this.#sandboxes.vanish(sandboxId);
  }

  async close(): Promise<void> {
    this.#sockets.close();
    const ended = await Promise.allSettled([this.#gateway.close(), this.#sandboxes.close()]);
    this.#snapshots.close();
    this.#drives.close();
    for (const result of ended) if (result.status === 'rejected') throw result.reason;
  }
}

/** A token of the form that the SDK reads its team and project from; nobody looks at its signature, which is the key. */
function deploymentToken(key: string): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const seconds = Math.floor(Date.now() / 1000);
  const claims = { owner_id: teamId, project_id: projectId, iat: seconds };
  return `${part({ alg: 'none' })}.${part({ ...claims, exp: seconds + tenYearsSeconds })}.${key}`;
}
