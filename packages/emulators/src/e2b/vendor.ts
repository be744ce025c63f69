import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { createContextValues } from '@connectrpc/connect';
import { connectNodeAdapter } from '@connectrpc/connect-node';
import { getRequestListener } from '@hono/node-server';
import { EmulatedSandboxes } from '../chassis/emulated-sandboxes.ts';
import type { EmulatorContext, Vendor, VendorService } from '../chassis/emulator.ts';
import type { WireRequest, WireResponse } from '../chassis/listener.ts';
import { proxyRequest, proxyUpgrade } from '../chassis/port-proxy.ts';
import { dropConnection } from '../chassis/response-tap.ts';
import { errorBody } from './api-error.ts';
import { controlPlane } from './control-plane.ts';
import { type E2bDetails, type E2bSandbox, envdPort } from './e2b-sandbox.ts';
import { type EnvdCall, envdCall, newEnvdCall } from './envd/envd-call.ts';
import { fileRoutes } from './envd/file-routes.ts';
import { filesystemService } from './envd/filesystem-service.ts';
import { processService } from './envd/process-service.ts';
import { signatureHolds } from './envd/signature.ts';
import { Filesystem } from './envd/wire/filesystem.ts';
import { Process } from './envd/wire/process.ts';
import { closedPort, unknownSandbox } from './port-proxy.ts';
import { type SandboxAddress, sandboxAddress } from './sandbox-address.ts';
import { resume } from './sandbox-life.ts';
import { Volumes } from './volumes/volumes.ts';
import { Snapshots } from './snapshots.ts';

/** E2B: its control plane, and envd and the ports of each sandbox, all on one port. */
export const e2b: Vendor = {
  name: 'e2b',
  newKey: () => `e2b_${randomBytes(20).toString('hex')}`,
  start: (context) => new E2bService(context),
};

class E2bService implements VendorService {
  readonly #context: EmulatorContext;
  readonly #sandboxes: EmulatedSandboxes<E2bDetails>;
  readonly #snapshots = new Snapshots();
  readonly #volumes: Volumes;
  readonly #api: ReturnType<typeof getRequestListener>;
  readonly #files: ReturnType<typeof fileRoutes>;
  readonly #rpc: ReturnType<typeof connectNodeAdapter>;
  readonly #calls = new WeakMap<object, EnvdCall>();

  constructor(context: EmulatorContext) {
    this.#context = context;
    this.#sandboxes = new EmulatedSandboxes(context.provider, context.clock);
    this.#volumes = new Volumes(context.provider);
    const api = controlPlane(context, this.#sandboxes, this.#snapshots, this.#volumes);
    this.#api = getRequestListener((request) => api.fetch(request), listenerOptions);
    this.#files = fileRoutes(context);
    this.#rpc = connectNodeAdapter({
      routes: (router) =>
        router.service(Process, processService).service(Filesystem, filesystemService),
      contextValues: (request) => createContextValues().set(envdCall, this.#calls.get(request)),
      maxTimeoutMs: 2 ** 31 - 1,
    });
  }

  environment(key: string): Readonly<Record<string, string>> {
    const { url } = this.#context;
    return { E2B_API_KEY: key, E2B_API_URL: url, E2B_SANDBOX_URL: url, E2B_VOLUME_API_URL: url };
  }

  request(request: WireRequest, response: WireResponse): void {
    const address = sandboxAddress(request) ?? this.#signedFor(request);
    if (!address) return void this.#api(request, response);
    this.#toSandbox(address, request, response).catch((error: unknown) => {
      if (response.headersSent) return dropConnection(response);
      this.fail(response, 500, String(error));
    });
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const address = sandboxAddress(request);
    const emulated = address && this.#sandboxes.get(address.id);
    if (!emulated || address.port === envdPort || !this.#mayReach(emulated, request)) {
      socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
      return;
    }
    proxyUpgrade(emulated.sandbox, address.port, request, socket, head).catch(() =>
      socket.destroy(),
    );
  }

  fail(response: WireResponse, status: number, message: string): void {
    response.statusCode = status;
    response.setHeader('content-type', 'application/json');
    response.end(errorBody(status, message));
  }

  vanish(sandboxId: string): Promise<boolean> {
    return this.#sandboxes.vanish(sandboxId);
  }

  async close(): Promise<void> {
    this.#snapshots.close();
    await this.#sandboxes.close();
    await this.#volumes.close();
  }

  async #toSandbox(
    { id, port }: SandboxAddress,
    request: WireRequest,
    response: WireResponse,
  ): Promise<void> {
    const emulated = this.#sandboxes.get(id);
    if (emulated?.state === 'suspended' && emulated.details.request.autoResume?.enabled) {
      const { timeoutSeconds } = emulated.details;
      await resume(this.#context, this.#sandboxes, emulated, timeoutSeconds, false);
    }
    if (emulated?.state !== 'running') return unknownSandbox(response, id);
    if (port !== envdPort) {
      if (!this.#mayReach(emulated, request)) return this.fail(response, 403, 'Forbidden');
      if (!Number.isInteger(port) || port < 1 || port > 65_535)
        return closedPort(response, id, port);
      return proxyRequest(emulated.sandbox, port, request, response, () =>
        closedPort(response, id, port),
      );
    }
    const path = pathOf(request);
    if (path !== '/health' && !this.#mayUse(emulated, request)) {
      return this.fail(
        response,
        401,
        'unauthorized access, please provide a valid access token or method signing if supported',
      );
    }
    if (/^\/(?:process\.Process|filesystem\.Filesystem)\//.test(path)) {
      this.#calls.set(
        request,
        newEnvdCall(emulated, () => dropConnection(response)),
      );
      return this.#rpc(request, response);
    }
    const files = getRequestListener(
      (fetched, bindings) => this.#files.fetch(fetched, { ...bindings, emulated }),
      listenerOptions,
    );
    await files(request, response);
  }

  /** envd answers those who have the sandbox's token, or a link to a file that was signed with it. */
  #mayUse({ details }: E2bSandbox, request: WireRequest): boolean {
    if (request.headers['x-access-token'] === details.envdToken) return true;
    return this.#isSigned(details.envdToken, request);
  }

  /** Ports are open to all unless the sandbox was made otherwise. */
  #mayReach({ details }: E2bSandbox, request: WireRequest): boolean {
    const { trafficToken } = details;
    return (
      trafficToken === undefined || request.headers['e2b-traffic-access-token'] === trafficToken
    );
  }

  /** A signed link by this server's address names no sandbox: it is the one whose token it was signed with. */
  #signedFor(request: WireRequest): SandboxAddress | undefined {
    if (pathOf(request) !== '/files') return undefined;
    const signer = this.#sandboxes
      .list()
      .find(({ details }) => this.#isSigned(details.envdToken, request));
    return signer && { id: signer.id, port: envdPort };
  }

  #isSigned(token: string, request: WireRequest): boolean {
    if (pathOf(request) !== '/files') return false;
    const query = Object.fromEntries(new URL(request.url ?? '/', this.#context.url).searchParams);
    const operation = request.method === 'GET' ? 'read' : 'write';
    return signatureHolds(token, query, operation, this.#context.clock.now());
  }
}

/** Without this the adapter would replace the process's own `Request` and `Response`. */
const listenerOptions = { overrideGlobalObjects: false } as const;

function pathOf(request: WireRequest): string {
  return (request.url ?? '').split('?', 1)[0] ?? '';
}
