import { SandboxError } from '../../errors/sandbox-error.ts';

const form = /^[a-z0-9][a-z0-9._-]*(?:\/[a-z0-9][a-z0-9._-]*)*$/;
const longest = 200;

/** Refuses with `invalid-argument` what is no key of a store: a key may become a path. */
export function checkKey(key: string): void {
  if (key.length <= longest && form.test(key)) return;
  throw new SandboxError('invalid-argument', `${JSON.stringify(key)} is no key of a store`);
}

/** The error of a key that nothing is stored under. */
export function noObject(key: string): SandboxError {
  return new SandboxError('not-found', `there is no object ${key} in the store`, {
    details: { key },
  });
}

/** Refuses a range that is not all there. */
export function checkRange(
  key: string,
  size: number,
  range: { readonly offset: number; readonly length: number },
): void {
  const { offset, length } = range;
  const whole = Number.isSafeInteger(offset) && Number.isSafeInteger(length);
  if (whole && offset >= 0 && length >= 0 && offset + length <= size) return;
  throw new SandboxError(
    'out-of-range',
    `object ${key} has ${size} bytes, and ${length} from ${offset} on were asked for`,
    { details: { key, size } },
  );
}

/** The chunks of a source; another number of bytes than promised is `invalid-argument`. */
export async function* counted(
  key: string,
  contents: ReadableStream<Uint8Array>,
  size: number | undefined,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  let count = 0;
  for await (const chunk of contents) {
    if (signal?.aborted) throw stopped(key, signal);
    count += chunk.length;
    if (size !== undefined && count > size) throw wrongSize(key, size, count);
    yield chunk;
  }
  if (size !== undefined && count !== size) throw wrongSize(key, size, count);
}

/** The error of an operation whose signal has fired. */
export function stopped(key: string, signal: AbortSignal): SandboxError {
  return new SandboxError('cancelled', `the operation on object ${key} was cancelled`, {
    cause: signal.reason,
  });
}

function wrongSize(key: string, size: number, count: number): SandboxError {
  const message = `object ${key} was announced with ${size} bytes, and ${count} or more came`;
  return new SandboxError('invalid-argument', message, { details: { key } });
}
