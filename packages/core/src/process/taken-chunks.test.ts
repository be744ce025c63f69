import { expect, test } from 'vitest';
import { feedInput } from './feed-input.ts';
import { markPrompt, wantBack } from './taken-chunks.ts';

/** A stream whose writes wait until they are let through. */
function gated(): { stream: WritableStream<Uint8Array>; through: () => void; written: number[] } {
  const written: number[] = [];
  const gate = Promise.withResolvers<void>();
  const stream = new WritableStream<Uint8Array>({
    async write(chunk) {
      await gate.promise;
      written.push(chunk[0] ?? 0);
    },
  });
  return { stream, through: () => gate.resolve(), written };
}

async function* chunksOf(taken: number[]): AsyncGenerator<Uint8Array, void> {
  for (const number of [1, 2, 3]) {
    const chunk = Uint8Array.of(number);
    wantBack(chunk, () => taken.push(number));
    yield chunk;
  }
}

test('a chunk comes back when it has been written, and not before', async () => {
  const { stream, through, written } = gated();
  const taken: number[] = [];
  const feeding = feedInput(ReadableStream.from(chunksOf(taken)), markPrompt(stream));
  await new Promise((resolve) => setImmediate(resolve));
  expect(taken).toEqual([]);
  through();
  await feeding.failed;
  expect({ taken, written }).toEqual({ taken: [1, 2, 3], written: [1, 2, 3] });
});

test('where nobody says that a write takes the bytes, and where it fails, nothing comes back', async () => {
  const { stream, through, written } = gated();
  const taken: number[] = [];
  through();
  await feedInput(chunksOf(taken), stream).failed;
  expect(written).toEqual([1, 2, 3]);
  const broken = markPrompt(
    new WritableStream({
      write() {
        throw new Error('gone');
      },
    }),
  );
  await feedInput(chunksOf(taken), broken).failed;
  expect(taken).toEqual([]);
});
