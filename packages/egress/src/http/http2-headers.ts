import { type OutgoingHttpHeaders, sensitiveHeaders } from 'node:http2';
import { maskText } from '../secrets/mask-stream.ts';
import { grouped, headerValues } from './header-list.ts';
import type { Link } from './link.ts';
import type { PreparedRequest } from './prepare-request.ts';

/** A prepared request's headers as HTTP/2 has them. Those that hold a secret enter no table of the connection's compression. */
export function http2Headers(
  { headers, path, exchange, masked, trailers }: PreparedRequest,
  { session, scheme }: Link,
  length: string | undefined,
): OutgoingHttpHeaders {
  const masks = masked.length === 0 ? [] : session.broker.masks(masked);
  const secret = headers.filter(([, value]) => maskText(value, masks) !== value);
  const [authority = ''] = headerValues(headers, 'host');
  return {
    ':method': exchange.attempt.method ?? 'GET',
    ':scheme': scheme,
    ':authority': authority,
    ':path': path,
    ...grouped(headers.filter(([name]) => name.toLowerCase() !== 'host')),
    ...(length === undefined ? {} : { 'content-length': length }),
    ...(trailers ? { te: 'trailers' } : {}),
    [sensitiveHeaders]: secret.map(([name]) => name.toLowerCase()),
  };
}
