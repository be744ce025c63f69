import type { Duplex } from 'node:stream';
import type { WireResponse } from './listener.ts';

/** What becomes of a piece of an answer's body: sent, lost with the connection, or never sent. */
export type Verdict = 'send' | 'cut' | 'stall';

/**
 * Looks at each piece of an answer's body before it is sent. After `cut` the connection is gone; after
 * `stall` nothing more is sent and the answer never ends.
 */
export function tapResponse(response: WireResponse, judge: (chunk: Buffer) => Verdict): void {
  const [write, end] = [response.write.bind(response), response.end.bind(response)];
  let stalled = false;
  const pass = (chunk: unknown): boolean => {
    if (stalled) return false;
    const verdict = judge(bytesOf(chunk));
    if (verdict === 'send') return true;
    if (verdict === 'cut') dropConnection(response);
    else stalled = true;
    return false;
  };
  response.write = (...parts: unknown[]): boolean => {
    if (pass(parts[0])) return Boolean(Reflect.apply(write, undefined, parts));
    // A writer that waits for its piece to be sent must not wait for ever.
    const done = parts.findLast((part) => typeof part === 'function');
    if (typeof done === 'function') process.nextTick(done);
    return true;
  };
  const tappedEnd = (...parts: unknown[]): WireResponse => {
    const [last] = parts;
    const hasBody = last !== undefined && last !== null && typeof last !== 'function';
    if (hasBody ? pass(last) : !stalled) Reflect.apply(end, undefined, parts);
    return response;
  };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- both kinds of answer return themselves
  response.end = tappedEnd as typeof response.end;
}

/** The same for what follows an upgrade; the answer to that itself is always sent. */
export function tapSocket(socket: Duplex, judge: (chunk: Buffer) => Verdict): void {
  const write = socket.write.bind(socket);
  let answered = false;
  let lost = false;
  socket.write = (...parts: unknown[]): boolean => {
    const verdict = answered ? judge(bytesOf(parts[0])) : 'send';
    answered = true;
    if (!lost && verdict === 'send') return Boolean(Reflect.apply(write, undefined, parts));
    if (!lost && verdict === 'cut') socket.destroy();
    lost = true;
    // A writer that waits for its piece to be sent must not wait for ever.
    const done = parts.findLast((part) => typeof part === 'function');
    if (typeof done === 'function') process.nextTick(done);
    return true;
  };
}

/** Ends the connection, or of HTTP/2 the one stream, in the middle of whatever it carries. */
export function dropConnection(response: WireResponse): void {
  if ('stream' in response) response.stream.destroy(new Error('the emulator drops the stream'));
  else response.socket?.destroy();
}

function bytesOf(chunk: unknown): Buffer {
  if (typeof chunk === 'string') return Buffer.from(chunk);
  return chunk instanceof Uint8Array ? Buffer.from(chunk) : Buffer.alloc(0);
}
