import { type IncomingMessage, ServerResponse, STATUS_CODES } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import type { Duplex } from 'node:stream';
import { flat, grouped, type HeaderList } from './header-list.ts';
import type { Refusal } from './request-target.ts';

/** A request of either version of HTTP. */
export type AnyRequest = IncomingMessage | Http2ServerRequest;

/** Its answer. */
export type AnyResponse = ServerResponse | Http2ServerResponse;

/** What is answered before the body. */
interface AnswerHead {
  readonly status: number;
  readonly reason: string;
  readonly headers: HeaderList;
  /** Nothing follows: the answer is ended with its headers. */
  readonly headersOnly: boolean;
}

/** Begins an answer. Throws for what Node does not write. */
export function beginAnswer(response: AnyResponse, head: AnswerHead): void {
  const { status, reason, headers, headersOnly } = head;
  if (response instanceof ServerResponse) {
    response.writeHead(status, reason, flat(headers));
    if (headersOnly) response.end();
  } else if (headersOnly) {
    // Written by `end` itself, headers tell that they are the last.
    response.statusCode = status;
    for (const [name, value] of Object.entries(grouped(headers))) response.setHeader(name, value);
    response.end();
  } else {
    response.writeHead(status, grouped(headers));
  }
}

/** Ends an answer that is not whole, in a way in which no client takes it for one. */
export function breakOff(response: AnyResponse): void {
  // A stream of HTTP/2 that is destroyed without an error is reset with none, which clients read as its end.
  if (response instanceof ServerResponse) response.destroy();
  else response.destroy(new Error('the answer is not whole'));
}

/** Whether nobody waits for an answer any more. */
export function isGone(response: AnyResponse): boolean {
  return response instanceof ServerResponse ? response.destroyed : response.stream.closed;
}

/** Whether a client got the whole answer, as far as Node knows. Asked when the answer is closed. */
export function isWhole(response: AnyResponse): boolean {
  // A reset by the client finishes the answer, too.
  const aborted = response instanceof ServerResponse ? false : response.stream.aborted;
  return response.writableFinished && !aborted;
}

/** Takes no more of a request's body once its answer is whole: the host does not want it. */
export function takeNoMore(request: AnyRequest, response: AnyResponse): void {
  // In HTTP/1.1 the answer's end says so.
  if (response instanceof ServerResponse || request.complete) return;
  const { stream } = response;
  // Trailers are the last of an answer, if only none of them.
  if (stream.sentTrailers !== undefined) stream.close();
  else stream.once('wantTrailers', () => setImmediate(() => stream.close()));
}

/** Tells a client why its request is not answered by the host. The rest of its body is not read. */
export function respondRefusal(response: AnyResponse, refusal: Refusal): void {
  if (response.headersSent || response.writableEnded) {
    breakOff(response);
    return;
  }
  const body = refusalText(refusal);
  const headers = {
    'content-type': 'text/plain; charset=utf-8',
    'content-length': String(Buffer.byteLength(body)),
    'x-gantry-egress': refusal.rule,
  };
  if (response instanceof ServerResponse) {
    response.writeHead(refusal.status, { ...headers, connection: 'close' });
    response.end(body);
    return;
  }
  try {
    response.writeHead(refusal.status, headers);
    response.end(body);
  } catch {
    // Headers of an answer that was begun are in the way.
    breakOff(response);
  }
}

/** The same on a connection that no response object stands for. The connection is ended. */
export function writeRefusal(socket: Duplex, refusal: Refusal): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const body = refusalText(refusal);
  const lines = [
    `HTTP/1.1 ${refusal.status} ${STATUS_CODES[refusal.status] ?? 'Refused'}`,
    'Content-Type: text/plain; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    `X-Gantry-Egress: ${refusal.rule}`,
    'Connection: close',
  ];
  // Read to the end, or the rest of what the client sends would make the kernel take the answer back.
  socket.resume();
  socket.end(`${lines.join('\r\n')}\r\n\r\n${body}`);
}

function refusalText({ rule, message }: Refusal): string {
  return `egress: ${rule}: ${message}\n`;
}
