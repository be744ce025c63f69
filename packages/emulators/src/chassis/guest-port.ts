import { Duplex } from 'node:stream';
import { connect } from 'node:net';
import { once } from 'node:events';
import { type Endpoint, type Sandbox, SandboxError } from '@gantry/core';

/** A connection to a port of a sandbox, and the headers that its provider's endpoint wants of a request. */
export interface GuestConnection {
  readonly socket: Duplex;
  readonly headers: Readonly<Record<string, string>>;
}

/** Says `+` once it is connected, then passes bytes both ways until the server hangs up. */
const tunnel = `
exec 3<>"/dev/tcp/127.0.0.1/$1" || exit 1
printf +
exec 4<&0
cat <&4 >&3 &
cat <&3
kill $!
`;

/**
 * Connects to a port of a sandbox: by the provider's endpoint, else, where that would have had to be asked for at create or
 * is not to be had at all, by a bash of the guest. Nothing when nobody listens.
 */
export async function connectToGuest(
  sandbox: Sandbox,
  port: number,
): Promise<GuestConnection | undefined> {
  const endpoint = await endpointOf(sandbox, port);
  if (!endpoint) return connectThroughGuest(sandbox, port);
  const { hostname, port: place } = new URL(endpoint.url);
  const socket = heardOut(connect(Number(place), hostname));
  try {
    await once(socket, 'connect');
  } catch {
    return undefined;
  }
  return { socket, headers: endpoint.headers };
}

/** Its users hear of its errors by its end too; before there is one nobody else would. */
function heardOut<Stream extends Duplex>(socket: Stream): Stream {
  socket.on('error', () => undefined);
  return socket;
}

async function endpointOf(sandbox: Sandbox, port: number): Promise<Endpoint | undefined> {
  try {
    return await sandbox.expose(port);
  } catch (error) {
    const isAbsent =
      SandboxError.is(error) &&
      (error.code === 'unsupported' || error.details['reason'] === 'not-published');
    if (isAbsent) return undefined;
    throw error;
  }
}

async function connectThroughGuest(
  sandbox: Sandbox,
  port: number,
): Promise<GuestConnection | undefined> {
  const command = ['/bin/bash', '-c', tunnel, 'tunnel', String(port)] as const;
  const process = await sandbox.spawn(command, { stdin: 'stream' });
  process.exit.catch(() => undefined); // The streams tell that the link is lost.
  const reader = process.stdout.getReader();
  const { done, value = new Uint8Array() } = await reader.read();
  reader.releaseLock();
  if (done || !process.stdin) {
    await process.kill();
    return undefined;
  }
  const streams = { readable: process.stdout, writable: process.stdin };
  const socket = heardOut(Duplex.fromWeb(streams));
  if (value.length > 1) socket.unshift(value.subarray(1));
  // One whose sandbox is gone has ended.
  socket.once('close', () => void process.kill().catch(() => undefined));
  return { socket, headers: {} };
}
