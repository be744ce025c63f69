import { refusedBy } from '../chassis/guard.ts';
import { Listener } from '../chassis/listener.ts';
import { proxyRequest, proxyUpgrade } from '../chassis/port-proxy.ts';
import { newToken } from './ids.ts';
import type { VercelSandbox } from './vercel-sandbox.ts';

/** Where a port of a sandbox is reached, by everybody who knows the address. */
export interface Route {
  readonly url: string;
  /** The vendor's name for it, which nothing here answers to. */
  readonly subdomain: string;
  readonly port: number;
}

interface OpenRoute extends Route {
  readonly listener: Listener;
}

/** The ports of sandboxes: each has an address of its own on 127.0.0.1, which stays from session to session. */
export class PortGateway {
  readonly #routes = new Map<VercelSandbox, OpenRoute[]>();

  routes(sandbox: VercelSandbox): readonly Route[] {
    const open = this.#routes.get(sandbox) ?? [];
    return open.map(({ url, subdomain, port }) => ({ url, subdomain, port }));
  }

  /** Routes exactly these. */
  async setPorts(sandbox: VercelSandbox, ports: readonly number[]): Promise<void> {
    const before = this.#routes.get(sandbox) ?? [];
    const kept = before.filter(({ port }) => ports.includes(port));
    const wanted = [...new Set(ports)].filter((port) => !kept.some((route) => route.port === port));
    this.#routes.set(sandbox, [
      ...kept,
      ...(await Promise.all(wanted.map((port) => open(sandbox, port)))),
    ]);
    const closed = before.filter((route) => !kept.includes(route));
    await Promise.all(closed.map(({ listener }) => listener.close()));
    if (ports.length === 0) this.#routes.delete(sandbox);
  }

  async close(): Promise<void> {
    const open = [...this.#routes.values()].flat();
    await Promise.all(open.map(({ listener }) => listener.close()));
  }
}

async function open(sandbox: VercelSandbox, port: number): Promise<OpenRoute> {
  const listener = new Listener();
  const own = await listener.listen(0);
  listener.serve({
    request(request, response) {
      const say = (status: number, message: string): void => {
        response.statusCode = status;
        response.setHeader('content-type', 'text/plain');
        response.end(`${message}\n`);
      };
      const foreign = refusedBy(request, own);
      if (foreign !== undefined) return say(403, foreign);
      const guest = sandbox.current.real?.sandbox;
      if (!guest) return say(410, 'SANDBOX_STOPPED');
      const refused = (): void => say(502, 'SANDBOX_NOT_LISTENING');
      proxyRequest(guest, port, request, response, refused).catch(refused);
    },
    upgrade(request, socket, head) {
      const guest = sandbox.current.real?.sandbox;
      if (refusedBy(request, own) !== undefined || !guest) {
        socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
        return;
      }
      proxyUpgrade(guest, port, request, socket, head).catch(() => socket.destroy());
    },
  });
  const subdomain = `sb-${newToken().slice(0, 16)}`;
  return { url: `http://127.0.0.1:${own}`, subdomain, port, listener };
}
