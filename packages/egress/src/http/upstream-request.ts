import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Duplex, Readable, Writable } from 'node:stream';
import { type HeaderList, headerList } from './header-list.ts';

/** A request on its way to a host, in either version of HTTP. */
export interface UpstreamRequest {
  /** Takes the request's body, and is ended where it has none. */
  readonly body: Writable;
  readonly onAnswer: (take: (answer: UpstreamAnswer) => void) => void;
  /** Tells why there is no answer, or no more of it. */
  readonly onError: (take: (error: Error) => void) => void;
  /** Whether it went by a kept connection that the host may have closed in the moment in which it was used again. */
  readonly stale: () => boolean;
  /** Lets the host know that nobody waits for its answer any more. */
  readonly cancel: () => void;
}

/** What a host answers, before its body. */
export interface UpstreamAnswer {
  readonly status: number;
  /** Empty in HTTP/2. */
  readonly reason: string;
  readonly headers: HeaderList;
  readonly body: Readable;
  /** The headers are all there is, which HTTP/2 tells from an empty body: gRPC fails in this way. */
  readonly headersOnly: boolean;
  /** What came after the body. Known at its end. */
  readonly trailers: () => HeaderList;
  /** Whether the body's end is the one that the host meant. Known at its end. */
  readonly whole: () => boolean;
  readonly onBroken: (take: () => void) => void;
}

/** A request by HTTP/1.1. */
export function overHttp1(request: ClientRequest): UpstreamRequest {
  let answered = false;
  return {
    body: request,
    onAnswer: (take) => {
      request.once('response', (answer) => {
        answered = true;
        take(http1Answer(answer));
      });
    },
    onError: (take) => {
      request.on('error', take);
      // Another protocol that nobody asked for, which Node drops without a word.
      request.once('upgrade', (_answer, host: Duplex) => {
        answered = true;
        host.destroy();
        take(new Error('the host speaks another protocol'));
      });
    },
    stale: () => !answered && request.reusedSocket,
    cancel: () => void request.destroy(),
  };
}

/** An answer by HTTP/1.1. */
export function http1Answer(answer: IncomingMessage): UpstreamAnswer {
  return {
    status: answer.statusCode ?? 502,
    reason: answer.statusMessage ?? '',
    headers: headerList(answer.rawHeaders),
    body: answer,
    headersOnly: false,
    trailers: () => headerList(answer.rawTrailers),
    whole: () => answer.complete,
    onBroken: (take) => {
      answer.on('error', take);
      answer.once('aborted', take);
    },
  };
}
