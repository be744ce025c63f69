import { pipeline, type Readable, type Transform } from 'node:stream';
import {
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createZstdDecompress,
} from 'node:zlib';
import { type Masks, MaskStream } from '../secrets/mask-stream.ts';
import { headerValues } from './header-list.ts';
import type { Refusal } from './request-target.ts';
import type { UpstreamAnswer } from './upstream-request.ts';

/** An answer's body as it is passed on, and the headers that no longer fit it. */
interface ReadableBody {
  readonly stream: Readable;
  readonly changed: readonly string[];
}

const decoders: Readonly<Record<string, () => Transform>> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
  zstd: createZstdDecompress,
};

/**
 * The body as it is where there is nothing to mask; else masked, and uncompressed first where the host compressed it although it was
 * asked not to. What cannot be read is refused.
 */
export function readableBody(
  { status, headers, body, headersOnly }: UpstreamAnswer,
  method: string | undefined,
  masks: Masks,
): ReadableBody | Refusal {
  const bodyless = headersOnly || method === 'HEAD' || status === 204 || status === 304;
  if (masks.length === 0 || bodyless) return { stream: body, changed: [] };
  const codings = headerValues(headers, 'content-encoding')
    .flatMap((value) => value.split(','))
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== '' && name !== 'identity');
  // Messages of gRPC are compressed one by one.
  const grpc = headerValues(headers, 'grpc-encoding').some((name) => name !== 'identity');
  const makers = codings.toReversed().map((name) => decoders[name]);
  // What is compressed on the way comes as it is: nobody asked for that.
  const transfers = headerValues(headers, 'transfer-encoding');
  const plain = transfers.length === 0 || transfers.join(',').trim().toLowerCase() === 'chunked';
  if (makers.length > 2 || makers.includes(undefined) || grpc || !plain) {
    const message = 'the answer of a host with a secret is encoded so that it cannot be masked';
    return { status: 502, rule: 'unreadable-answer', message };
  }
  const steps = makers.flatMap((make) => (make === undefined ? [] : [make()]));
  const mask = new MaskStream(masks);
  // The stream that is read tells of every error in the line.
  pipeline([body, ...steps, mask], () => undefined);
  const sameLength = masks.every(
    ([form, shown]) => Buffer.byteLength(form) === Buffer.byteLength(shown),
  );
  const changed = steps.length > 0 ? ['content-encoding', 'content-length'] : [];
  return { stream: mask, changed: sameLength ? changed : [...changed, 'content-length'] };
}
