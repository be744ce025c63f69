import type { Duplex, Transform } from 'node:stream';
import type { Exchange } from '../session/exchange.ts';

/** How two streams are joined. */
export interface JoinOptions {
  /** What the exchange ends with, for protocols that have one. */
  readonly status?: number;
  /** What bytes from the host pass through on their way in. */
  readonly inward?: Transform;
}

/** Passes bytes both ways until both sides have ended, counts them, and ends the exchange then. */
export function joinStreams(
  client: Duplex,
  host: Duplex,
  exchange: Exchange,
  { status, inward }: JoinOptions = {},
): void {
  const cut = (): void => {
    client.destroy();
    host.destroy();
    inward?.destroy();
  };
  exchange.onCut(cut);
  client.on('data', (chunk: Buffer) => exchange.out(chunk.length));
  host.on('data', (chunk: Buffer) => exchange.in(chunk.length));
  let open = 2;
  const closed = (): void => {
    open -= 1;
    if (open === 0) exchange.end(status === undefined ? {} : { status });
  };
  for (const [side, other] of [
    [client, host],
    [host, client],
  ] as const) {
    side.on('error', cut);
    side.once('close', () => {
      closed();
      if (!side.readableEnded) other.destroy();
      // What is still to be written is written. A host then has nobody to speak to; a client may have to read.
      else if (side === client) other.end(() => other.destroy());
      else if (!other.writableEnded) other.end();
    });
  }
  client.pipe(host);
  if (inward === undefined) host.pipe(client);
  else host.pipe(inward).pipe(client);
}
