import type { Duplex } from 'node:stream';
import { type Host, readHost } from '../policy/host-name.ts';
import type { Refusal } from '../http/request-target.ts';
import type { LiveSession } from '../session/live-session.ts';
import { Opening } from './opening.ts';
import { openTunnel, type TunnelTakers } from './open-tunnel.ts';

/** Words of SOCKS version 5 (RFC 1928). */
const version = 5;
const noAuthentication = 0;
const noMethod = 0xff;
const connectCommand = 1;
const kinds = { ipv4: 1, name: 3, ipv6: 4 } as const;
const succeeded = 0;
const generalFailure = 1;
const notAllowed = 2;
const hostUnreachable = 4;
const connectionRefused = 5;
const commandNotSupported = 7;
const addressNotSupported = 8;

/** Serves one SOCKS5 connection: `CONNECT` without authentication, which the connection's own namespace stands for. */
export async function serveSocks(
  socket: Duplex,
  session: LiveSession,
  takers: TunnelTakers,
): Promise<void> {
  const opening = new Opening(socket);
  if (!(await greet(socket, opening))) return;
  const request = await readRequest(opening);
  if (request === undefined) {
    socket.destroy();
    return;
  }
  if (typeof request === 'number') {
    session.refuse({ protocol: 'socks' }, { status: 400, rule: 'malformed', message: 'socks' });
    socket.end(reply(request));
    return;
  }
  opening.giveBack();
  await openTunnel(
    socket,
    { protocol: 'socks', ...request },
    session,
    {
      opened: () => void socket.write(reply(succeeded)),
      refused: (refusal) => void socket.end(reply(replyTo(refusal))),
    },
    takers,
  );
}

async function greet(socket: Duplex, opening: Opening): Promise<boolean> {
  const start = await opening.atLeast(2);
  const count = start?.[1] ?? 0;
  const greeting = await opening.atLeast(2 + count);
  if (start === undefined || greeting === undefined || start[0] !== version) {
    socket.destroy();
    return false;
  }
  const methods = opening.take(2 + count).subarray(2);
  if (!methods.includes(noAuthentication)) {
    socket.end(Buffer.from([version, noMethod]));
    return false;
  }
  socket.write(Buffer.from([version, noAuthentication]));
  return true;
}

/** The host that is asked for; a number is the reply to what cannot be done. */
async function readRequest(
  opening: Opening,
): Promise<{ readonly host: Host; readonly port: number } | number | undefined> {
  const start = await opening.atLeast(5);
  if (start === undefined || start[0] !== version) return undefined;
  if (start[1] !== connectCommand) return commandNotSupported;
  const kind = start[3];
  const long = kind === kinds.name ? 1 + (start[4] ?? 0) : kind === kinds.ipv4 ? 4 : 16;
  if (kind !== kinds.name && kind !== kinds.ipv4 && kind !== kinds.ipv6) return addressNotSupported;
  if ((await opening.atLeast(4 + long + 2)) === undefined) return undefined;
  const bytes = opening.take(4 + long + 2);
  const host = readHost(hostText(kind, bytes.subarray(4, 4 + long)));
  const port = bytes.readUInt16BE(4 + long);
  return host === undefined || port === 0 ? generalFailure : { host, port };
}

function hostText(kind: number, bytes: Buffer): string {
  if (kind === kinds.ipv4) return bytes.join('.');
  if (kind === kinds.name) return bytes.toString('latin1', 1);
  const words = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(index * 2).toString(16));
  return words.join(':');
}

function replyTo({ rule, status }: Refusal): number {
  if (rule === 'refused') return connectionRefused;
  if (rule === 'unreachable' || rule === 'name-unknown') return hostUnreachable;
  return status === 502 ? generalFailure : notAllowed;
}

/** A reply with an address of zeros: where the proxy connects from is nothing that the sandbox needs. */
function reply(code: number): Buffer {
  return Buffer.from([version, code, 0, kinds.ipv4, 0, 0, 0, 0, 0, 0]);
}
