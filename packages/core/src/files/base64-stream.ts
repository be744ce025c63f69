import type { InputSource } from '../contract/sandbox.ts';
import { bytesOf } from '../process/byte-source.ts';

/** The base64 of a source's bytes, as text that the sandbox's `base64 -d` reads. */
export async function* base64Encoded(source: InputSource): AsyncGenerator<string, void, undefined> {
  let rest = Buffer.alloc(0);
  for await (const chunk of bytesOf(source)) {
    const bytes = Buffer.concat([rest, chunk]);
    const whole = bytes.length - (bytes.length % 3);
    rest = bytes.subarray(whole);
    if (whole > 0) yield `${bytes.toString('base64', 0, whole)}\n`;
  }
  if (rest.length > 0) yield `${rest.toString('base64')}\n`;
}

/** The bytes of a stream of base64 text, line breaks wherever `base64` put them. */
export function base64Decoded(text: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  let rest = '';
  return text.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        const clean = rest + Buffer.from(chunk).toString('latin1').replaceAll(/\s/g, '');
        const whole = clean.length - (clean.length % 4);
        rest = clean.slice(whole);
        if (whole > 0) controller.enqueue(Buffer.from(clean.slice(0, whole), 'base64'));
      },
      flush(controller) {
        if (rest !== '') controller.error(new Error('the base64 text from the sandbox is cut off'));
      },
    }),
  );
}
