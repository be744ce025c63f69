import {
  type ClientRequest,
  type IncomingMessage,
  request as httpRequest,
  ServerResponse,
} from 'node:http';
import type { Duplex, PassThrough, Readable } from 'node:stream';
import { maskHeaders, maskText, type Masks } from '../secrets/mask-stream.ts';
import {
  endToEnd,
  flat,
  grouped,
  type HeaderList,
  headerList,
  headerValues,
} from './header-list.ts';
import type { Link } from './link.ts';
import type { PreparedRequest } from './prepare-request.ts';
import { readableBody } from './readable-body.ts';
import { type AnyRequest, type AnyResponse, respondRefusal } from './respond.ts';
import { unreachable } from './unreachable.ts';

/** Methods that mean the same when they come twice (RFC 9110, 9.2.2). */
const harmless: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']);

/** Sends a prepared request to its host, and the host's answer to the client. Ends the exchange in every case. */
export function forwardRequest(
  request: AnyRequest,
  response: AnyResponse,
  prepared: PreparedRequest,
  link: Link,
): void {
  const { exchange } = prepared;
  const { method = 'GET' } = exchange.attempt;
  const body = bodyOf(request);
  let upstream = openUpstream(prepared, link, body.framing);
  const listen = (): void => {
    upstream.once('response', (answer) => {
      try {
        sendAnswer(answer, response, prepared, link);
      } catch {
        // Node refuses to write some of what it reads: headers that a host has twice, for one.
        answer.destroy();
        fail(response, prepared, new Error('the answer cannot be passed on'));
      }
    });
    // Another protocol that nobody asked for, which Node drops without a word.
    upstream.once('upgrade', (_answer, host: Duplex) => {
      host.destroy();
      fail(response, prepared, new Error('the host speaks another protocol'));
    });
    upstream.on('error', (error) => {
      // A host may close a kept connection in the moment in which it is used again.
      const again =
        upstream.reusedSocket && !body.present && !response.headersSent && harmless.has(method);
      if (!again || exchange.ended) {
        fail(response, prepared, error);
        return;
      }
      upstream = openUpstream(prepared, link, body.framing);
      listen();
      upstream.end();
    });
  };
  exchange.onCut(() => {
    upstream.destroy();
    response.destroy();
    request.destroy();
  });
  response.once('close', () => {
    const whole = response.writableFinished;
    if (!whole) upstream.destroy();
    exchange.end(whole ? { status: response.statusCode } : { problem: 'aborted' });
  });
  listen();
  if (!body.present) {
    upstream.end();
    return;
  }
  request.on('data', (chunk: Buffer) => exchange.out(chunk.length));
  request.on('error', () => upstream.destroy());
  request.pipe(upstream);
}

/** Opens a request to the host; its body follows. */
export function openUpstream(
  { target, path, headers, exchange }: PreparedRequest,
  { session, scheme }: Link,
  more: HeaderList,
): ClientRequest {
  const { host, port } = target;
  return httpRequest({
    agent: session.agents.agent(scheme),
    // The agent's own idea of a protocol is compared with this.
    protocol: `${scheme}:`,
    host: host.text,
    port,
    path,
    method: exchange.attempt.method ?? 'GET',
    headers: flat([...headers, ...more]),
    setDefaultHeaders: false,
  });
}

function fail(response: AnyResponse, { exchange }: PreparedRequest, error: Error): void {
  const refusal = unreachable(error);
  exchange.end({ status: refusal.status, problem: refusal.rule });
  respondRefusal(response, refusal);
}

/** How a client's body is framed, which the one that is sent on must not leave open to another reading. */
function bodyOf(request: AnyRequest): { readonly present: boolean; readonly framing: HeaderList } {
  const headers = headerList(request.rawHeaders);
  const [length] = headerValues(headers, 'content-length');
  if (length !== undefined)
    return { present: !/^0+$/.test(length), framing: [['Content-Length', length]] };
  const chunked = headerValues(headers, 'transfer-encoding').length > 0;
  const streamed = 'stream' in request && !request.stream.endAfterHeaders;
  return chunked || streamed
    ? { present: true, framing: [['Transfer-Encoding', 'chunked']] }
    : { present: false, framing: [] };
}

function sendAnswer(
  answer: IncomingMessage,
  response: AnyResponse,
  { exchange, masked }: PreparedRequest,
  { session }: Link,
): void {
  const masks: Masks = masked.length === 0 ? [] : session.broker.masks(masked);
  // One that says it changes the protocol, and does not say to which.
  if (answer.statusCode === 101) throw new Error('no answer to a request');
  const body = readableBody(answer, exchange.attempt.method, masks);
  if ('status' in body) {
    answer.destroy();
    exchange.end({ status: body.status, problem: body.rule });
    respondRefusal(response, body);
    return;
  }
  const headers = endToEnd(headerList(answer.rawHeaders), body.changed);
  const shown = maskHeaders(headers, masks);
  const status = answer.statusCode ?? 502;
  if (response instanceof ServerResponse) {
    response.writeHead(status, maskText(answer.statusMessage ?? '', masks), flat(shown));
  } else {
    response.writeHead(status, grouped(shown));
  }
  answer.on('data', (chunk: Buffer) => exchange.in(chunk.length));
  pass(body.stream, answer, response, masks);
}

function pass(
  stream: Readable | PassThrough,
  answer: IncomingMessage,
  response: AnyResponse,
  masks: Masks,
): void {
  const broken = (): void => {
    // Half an answer must not look like a whole one.
    response.destroy();
    answer.destroy();
  };
  answer.on('error', broken);
  if (stream !== answer) stream.on('error', broken);
  answer.once('aborted', broken);
  stream.once('end', () => {
    const trailers = headerList(answer.rawTrailers);
    if (trailers.length === 0) return;
    try {
      response.addTrailers(Object.fromEntries(maskHeaders(trailers, masks)));
    } catch {
      broken();
    }
  });
  stream.pipe(response);
}
