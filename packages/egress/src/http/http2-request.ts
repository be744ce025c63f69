import {
  type ClientHttp2Stream,
  constants,
  type IncomingHttpHeaders,
  type IncomingHttpStatusHeader,
} from 'node:http2';
import { headerList, type HeaderList } from './header-list.ts';
import type { UpstreamAnswer, UpstreamRequest } from './upstream-request.ts';

const { NGHTTP2_FLAG_END_STREAM } = constants;

/** A request by HTTP/2. `stale` tells whether its session was a kept one that has ended. */
export function overHttp2(
  stream: ClientHttp2Stream,
  { cancel, stale }: Pick<UpstreamRequest, 'cancel' | 'stale'>,
): UpstreamRequest {
  const whole = watchEnd(stream);
  let answered = false;
  return {
    body: stream,
    onAnswer: (take) => {
      stream.once('response', (headers, flags, rawHeaders: readonly string[]) => {
        answered = true;
        take(answerOf(stream, { headers, flags, list: headerList(rawHeaders) }, whole));
      });
    },
    onError: (take) => {
      stream.on('error', take);
      // Some codes of a reset are no errors to Node: the stream is closed, and that is all.
      stream.once('close', () => {
        if (!answered && stream.errored === null) take(new Error('the stream was reset'));
      });
    },
    stale: () => !answered && stale(),
    cancel,
  };
}

interface Head {
  readonly headers: IncomingHttpHeaders & IncomingHttpStatusHeader;
  readonly flags: number;
  readonly list: HeaderList;
}

function answerOf(
  stream: ClientHttp2Stream,
  { headers, flags, list }: Head,
  whole: () => boolean,
): UpstreamAnswer {
  let trailers: HeaderList = [];
  stream.once('trailers', (_headers, _flags, raw: readonly string[]) => {
    trailers = headerList(raw);
  });
  return {
    status: headers[':status'] ?? 502,
    reason: '',
    headers: list,
    body: stream,
    headersOnly: (flags & NGHTTP2_FLAG_END_STREAM) !== 0,
    trailers: () => trailers,
    whole,
    onBroken: (take) => {
      stream.on('error', take);
      stream.once('close', () => {
        if (!stream.readableEnded || !whole()) take();
      });
    },
  };
}

/**
 * Tells whether the host has ended a stream. Node ends the readable side in the same way where the host has reset it without an error,
 * or the connection has gone; but then only after it calls the stream closed.
 */
function watchEnd(stream: ClientHttp2Stream): () => boolean {
  let whole = false;
  const push = stream.push.bind(stream);
  stream.push = (chunk: unknown, encoding?: BufferEncoding) => {
    if (chunk === null && !stream.closed) whole = true;
    return push(chunk, encoding);
  };
  return () => whole;
}
