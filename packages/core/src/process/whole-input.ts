import type { InputSource } from '../contract/sandbox.ts';
import { bytesOf, concatBytes } from './byte-source.ts';

/** A source that is in memory already and is no longer than that, as bytes. */
export function wholeInput(source: InputSource, mostBytes: number): Uint8Array | undefined {
  if (typeof source !== 'string' && !(source instanceof Uint8Array)) return undefined;
  const bytes = typeof source === 'string' ? new TextEncoder().encode(source) : source;
  return bytes.length <= mostBytes ? bytes : undefined;
}

/** The same source; read into memory when that shows it to be no longer than that. */
export async function wholeIfSmall(source: InputSource, mostBytes: number): Promise<InputSource> {
  if (mostBytes === 0 || typeof source === 'string' || source instanceof Uint8Array) return source;
  const rest = bytesOf(source);
  const first: Uint8Array[] = [];
  for (let length = 0; length <= mostBytes;) {
    const next = await rest.next();
    if (next.done) return concatBytes(first);
    first.push(next.value);
    length += next.value.length;
  }
  return followedBy(first, rest);
}

async function* followedBy(
  first: readonly Uint8Array[],
  rest: AsyncGenerator<Uint8Array, void, undefined>,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* first;
    yield* rest;
  } finally {
    await rest.return();
  }
}
