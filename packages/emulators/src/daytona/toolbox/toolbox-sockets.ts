import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { ApiError } from '../api-error.ts';
import type { DaytonaSandbox } from '../daytona-sandbox.ts';
import { requireReal } from '../sandbox-checks.ts';
import { outputMarkers } from './marked-log.ts';
import { guestPath } from './toolbox-call.ts';

/** Most bytes of output in one frame: the vendor's clients are slow with long ones, and fail with very long ones. */
const frameBytes = 16 * 1024;
const environmentProtocol = 'X-Daytona-Pty-Envs~';
const exitProtocol = 'X-Daytona-Pty-Exit-Control';

/** What of a sandbox's daemon is spoken over WebSockets: the logs of commands while they run, and terminals. */
export class ToolboxSockets {
  readonly #server = new WebSocketServer({
    noServer: true,
    handleProtocols: (offered) =>
      offered.has(exitProtocol) ? exitProtocol : ([...offered][0] ?? false),
  });

  /** Takes a connection over. Throws the vendor's error where there is nothing to connect to. */
  async upgrade(
    sandbox: DaytonaSandbox,
    place: URL,
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
  ): Promise<void> {
    const serve = await this.#find(sandbox, place, request);
    this.#server.handleUpgrade(request, socket, head, (client) => {
      client.on('error', () => client.terminate());
      serve(client);
    });
  }

  close(): void {
    for (const client of this.#server.clients) client.terminate();
    this.#server.close();
  }

  async #find(
    sandbox: DaytonaSandbox,
    { pathname, searchParams }: URL,
    request: IncomingMessage,
  ): Promise<(client: WebSocket) => void> {
    const log = /^\/process\/session\/([^/]+)\/command\/([^/]+)\/logs$/.exec(pathname);
    if (log) {
      const [, session = '', id = ''] = log.map((part) => decodeURIComponent(part));
      const command = await sandbox.sessions.command(session, id);
      return (client) => void this.#follow(client, command.log);
    }
    if (pathname === '/process/pty/create-connect') {
      const id = searchParams.get('id') ?? '';
      if (id === '') throw new ApiError(400, 'a terminal needs an id');
      const columns = Number(searchParams.get('cols') ?? 80);
      const rows = Number(searchParams.get('rows') ?? 24);
      const cwd = guestPath(searchParams.get('cwd') ?? '');
      const envs = environmentOf(request);
      const { sandbox: guest } = requireReal(sandbox);
      const asked = { id, size: { columns, rows }, cwd, envs };
      await sandbox.terminals.open(guest, asked, sandbox.environment());
      return (client) => sandbox.terminals.attach(id, client);
    }
    const terminal = /^\/process\/pty\/([^/]+)\/connect$/.exec(pathname);
    if (terminal) {
      const id = decodeURIComponent(terminal[1] ?? '');
      sandbox.terminals.info(id);
      return (client) => sandbox.terminals.attach(id, client);
    }
    throw new ApiError(501, `unsupported: WebSocket ${pathname} is not emulated`);
  }

  async #follow(
    client: WebSocket,
    log: { follow(): AsyncIterable<{ output: 'stdout' | 'stderr'; bytes: Uint8Array }> },
  ): Promise<void> {
    try {
      for await (const { output, bytes } of log.follow()) {
        for (let at = 0; at < bytes.length; at += frameBytes) {
          const frame = [outputMarkers[output], bytes.subarray(at, at + frameBytes)];
          // Resolves when it is on its way: a slow client makes the command wait.
          await new Promise<void>((resolve, reject) => {
            client.send(Buffer.concat(frame), (error) => (error ? reject(error) : resolve()));
          });
        }
      }
      client.close(1000);
    } catch {
      // The client has gone, or the sandbox: either way nobody is told an end that was not there.
      client.terminate();
    }
  }
}

/** The variables that a client put into the name of a protocol. */
function environmentOf({ headers }: IncomingMessage): Record<string, string> {
  const offered = (headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
  const found = offered.find((name) => name.startsWith(environmentProtocol));
  if (found === undefined) return {};
  try {
    const json = Buffer.from(found.slice(environmentProtocol.length), 'base64url').toString();
    const values: unknown = JSON.parse(json);
    return Object.fromEntries(
      Object.entries(values ?? {}).map(([name, value]) => [name, String(value)]),
    );
  } catch {
    throw new ApiError(400, 'the variables of the terminal cannot be read');
  }
}
