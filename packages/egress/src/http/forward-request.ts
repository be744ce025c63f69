import { type ClientRequest, request as httpRequest } from 'node:http';
import { maskHeaders, maskText, type Masks } from '../secrets/mask-stream.ts';
import { endToEnd, flat, type HeaderList, headerList, headerValues } from './header-list.ts';
import type { HostSession } from './host-session.ts';
import { http2Headers } from './http2-headers.ts';
import type { Link } from './link.ts';
import type { PreparedRequest } from './prepare-request.ts';
import { readableBody } from './readable-body.ts';
import {
  type AnyRequest,
  type AnyResponse,
  beginAnswer,
  breakOff,
  isWhole,
  respondRefusal,
  takeNoMore,
} from './respond.ts';
import { unreachable } from './unreachable.ts';
import { overHttp1, type UpstreamAnswer, type UpstreamRequest } from './upstream-request.ts';

/** Methods that mean the same when they come twice (RFC 9110, 9.2.2). */
const harmless: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']);

/** Sends a prepared request to its host, and the host's answer to the client. Ends the exchange in every case. */
export async function forwardRequest(
  request: AnyRequest,
  response: AnyResponse,
  prepared: PreparedRequest,
  link: Link,
): Promise<void> {
  const { exchange } = prepared;
  const { method = 'GET' } = exchange.attempt;
  const body = bodyOf(request);
  let upstream: UpstreamRequest | undefined;
  exchange.onCut(() => {
    upstream?.cancel();
    breakOff(response);
    request.destroy();
  });
  response.once('close', () => {
    const whole = isWhole(response);
    if (!whole) upstream?.cancel();
    exchange.end(whole ? { status: response.statusCode } : { problem: 'aborted' });
  });
  // What was to follow is missing then, and the end that HTTP/2 gives the body all the same is not passed on.
  request.once('aborted', () => {
    upstream?.cancel();
    exchange.end({ problem: 'aborted' });
  });
  const send = async (): Promise<void> => {
    let session: HostSession | undefined;
    try {
      session = await sessionFor(request, prepared, link);
    } catch (error) {
      fail(response, prepared, error);
      return;
    }
    if (exchange.ended) {
      session?.giveBack();
      return;
    }
    try {
      upstream = open(prepared, link, body, session);
    } catch {
      // A request that Node does not write out has not happened.
      exchange.end({ problem: 'unsendable' });
      breakOff(response);
      return;
    }
    listen(upstream);
    if (!body.present) upstream.body.end();
  };
  const listen = (sent: UpstreamRequest): void => {
    sent.onAnswer((answer) => {
      try {
        sendAnswer(answer, response, prepared, link);
      } catch {
        // Node refuses to write some of what it reads: headers that a host has twice, for one.
        sent.cancel();
        fail(response, prepared, new Error('the answer cannot be passed on'));
      }
    });
    sent.onError((error) => {
      // A host may close a kept connection in the moment in which it is used again.
      const again = sent.stale() && !body.present && !response.headersSent && harmless.has(method);
      if (again && !exchange.ended) void send();
      else fail(response, prepared, error);
    });
  };
  await send();
  if (!body.present || upstream === undefined) return;
  const { body: sink, cancel } = upstream;
  request.on('data', (chunk: Buffer) => exchange.out(chunk.length));
  request.on('error', cancel);
  sink.once('close', () => takeNoMore(request, response));
  request.pipe(sink);
}

/** The connection of HTTP/2 that a request goes by. What came by HTTP/1.1 goes on by that. */
async function sessionFor(
  request: AnyRequest,
  { target, exchange }: PreparedRequest,
  { session }: Link,
): Promise<HostSession | undefined> {
  if (request.httpVersionMajor < 2) return undefined;
  return session.agents.sessions.take(target.host, target.port, () => !exchange.ended);
}

function open(
  prepared: PreparedRequest,
  link: Link,
  body: RequestBody,
  session: HostSession | undefined,
): UpstreamRequest {
  if (session !== undefined) {
    const headers = http2Headers(prepared, link, body.length);
    return session.request(headers, !body.present);
  }
  const { present, length } = body;
  const whole: HeaderList = length === undefined ? [] : [['Content-Length', length]];
  const chunked: HeaderList =
    present && length === undefined ? [['Transfer-Encoding', 'chunked']] : whole;
  return overHttp1(openUpstream(prepared, link, chunked));
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

/** How a client's body is framed, which the one that is sent on must not leave open to another reading. */
interface RequestBody {
  readonly present: boolean;
  /** As the client said it; else the body ends where it ends. */
  readonly length: string | undefined;
}

function bodyOf(request: AnyRequest): RequestBody {
  const headers = headerList(request.rawHeaders);
  const [length] = headerValues(headers, 'content-length');
  if (length !== undefined) return { present: !/^0+$/.test(length), length };
  const chunked = headerValues(headers, 'transfer-encoding').length > 0;
  const streamed = 'stream' in request && !request.stream.endAfterHeaders;
  return { present: chunked || streamed, length };
}

function fail(response: AnyResponse, { exchange }: PreparedRequest, error: unknown): void {
  // Whoever ended it has answered, or nobody waits for an answer.
  if (exchange.ended) return;
  const refusal = unreachable(error instanceof Error ? error : new Error(String(error)));
  exchange.end({ status: refusal.status, problem: refusal.rule });
  respondRefusal(response, refusal);
}

function sendAnswer(
  answer: UpstreamAnswer,
  response: AnyResponse,
  { exchange, masked }: PreparedRequest,
  { session }: Link,
): void {
  const masks: Masks = masked.length === 0 ? [] : session.broker.masks(masked);
  // One that says it changes the protocol, and does not say to which.
  if (answer.status === 101) throw new Error('no answer to a request');
  const body = readableBody(answer, exchange.attempt.method, masks);
  if ('status' in body) {
    answer.body.destroy();
    exchange.end({ status: body.status, problem: body.rule });
    respondRefusal(response, body);
    return;
  }
  const shown = maskHeaders(endToEnd(answer.headers, body.changed), masks);
  const reason = maskText(answer.reason, masks);
  answer.body.on('data', (chunk: Buffer) => exchange.in(chunk.length));
  beginAnswer(response, { ...answer, reason, headers: shown });
  if (answer.headersOnly) return;
  const broken = (): void => {
    // Half an answer must not look like a whole one.
    breakOff(response);
    answer.body.destroy();
  };
  answer.onBroken(broken);
  if (body.stream !== answer.body) body.stream.on('error', broken);
  body.stream.once('end', () => {
    if (!answer.whole()) {
      broken();
      return;
    }
    const trailers = maskHeaders(answer.trailers(), masks);
    if (trailers.length === 0) return;
    try {
      response.addTrailers(Object.fromEntries(trailers));
    } catch {
      broken();
    }
  });
  body.stream.pipe(response);
}
