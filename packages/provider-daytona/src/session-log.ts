import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { ClientRequest } from 'node:http';
import type { Sandbox } from './sdk.ts';
import type { SessionCommand } from './session-pool.ts';

/** Where Node tells of every request that a process makes. */
const requests = 'http.client.request.start';

/** What a command writes, as the vendor logs it. */
export interface SessionLog {
  /** Why it broke; `undefined` when it came to an end. */
  readonly ended: Promise<string | undefined>;
  /** Lets go of the connection, which ends the log. The command goes on. */
  drop(): void;
}

/**
 * Follows a command's log. The SDK hands out nothing by which a log could be let go of, and its connection keeps the process
 * alive, so it is known by the path that Node says is asked for.
 */
export function followLog(
  { process }: Sandbox,
  { session, id }: SessionCommand,
  onStdout: (text: string) => void,
  onStderr: (text: string) => void,
): SessionLog {
  const path = `/session/${session.id}/command/${id}/logs`;
  let request: ClientRequest | undefined;
  let dropped = false;
  const notice = (message: unknown): void => {
    const found = typeof message === 'object' && message && 'request' in message;
    if (!found || !(message.request instanceof ClientRequest)) return;
    if (!message.request.path.includes(path)) return;
    unsubscribe(requests, notice);
    request = message.request;
    if (dropped) request.destroy();
  };
  subscribe(requests, notice);
  const log = process.getSessionCommandLogs(session.id, id, onStdout, onStderr);
  return {
    ended: reasonOf(log).finally(() => unsubscribe(requests, notice)),
    drop() {
      dropped = true;
      // Once it is a WebSocket, only its socket is left of the request.
      request?.socket?.destroy();
      request?.destroy();
    },
  };
}

async function reasonOf(log: Promise<unknown>): Promise<string | undefined> {
  try {
    await log;
    return undefined;
  } catch (error) {
    // What breaks a connection is an event, with a message.
    const said = typeof error === 'object' && error !== null && 'message' in error;
    return said ? String(error.message) : String(error);
  }
}
