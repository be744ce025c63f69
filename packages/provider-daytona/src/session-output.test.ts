import { expect, test } from 'vitest';
import { SessionOutput, type Word } from './session-output.ts';

const heard = (): { output: SessionOutput; words: Word[]; holds: boolean[] } => {
  const [words, holds]: [Word[], boolean[]] = [[], []];
  const output = new SessionOutput(
    (word) => words.push(word),
    (held) => holds.push(held),
  );
  return { output, words, holds };
};

test('pieces and words come out whole however the log is cut', async () => {
  const log = '!f12!!h00ff!\n!p3!\n!g6865!bG\r\nxv\n!x7!,\n!gff!\n,\n!e!\n';
  for (let size = 1; size <= log.length; size += 1) {
    const { output, words } = heard();
    const all = new Response(output.readable).arrayBuffer();
    for (let at = 0; at < log.length; at += size) output.push(log.slice(at, at + size));
    output.end();
    expect(Buffer.from(await all).toString('latin1')).toBe('\0\u{FF}hello\u{FF}');
    expect(words).toEqual([
      { name: 'f', number: 12 },
      { name: 'p', number: 3 },
      { name: 'x', number: 7 },
      { name: 'e', number: 0 },
    ]);
  }
});

test.each([
  ['no word', '!what is this!'],
  ['a status that there is not', '!x256!'],
  ['half a byte', '!h123!'],
  ['a number without end', `!p${'1'.repeat(40)}!`],
  ['a word without end', `!p${'1'.repeat(10_000)}`],
  ['a piece without end', 'A'.repeat(300_000)],
])('what the line never sends is refused: %s', (_what, text) => {
  const { output } = heard();
  expect(() => {
    // As it may come: never too much at once.
    for (let at = 0; at < text.length; at += 8_000) output.push(text.slice(at, at + 8_000));
  }).toThrow(/does not belong there/);
});

test('whoever sends is held while the reader is behind, and let go once it is not', async () => {
  const { output, holds } = heard();
  const piece = `${Buffer.alloc(48_000).toString('base64')},\n`;
  const [pieces, perPush] = [60, 3];
  for (let count = 0; count < pieces; count += perPush) output.push(piece.repeat(perPush));
  await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => setImmediate(resolve));
  expect(holds).toEqual([true]);
  output.end();
  expect((await new Response(output.readable).arrayBuffer()).byteLength).toBe(pieces * 48_000);
  expect(holds).toEqual([true, false]);
});

test('a reader that catches up lets it go although many pieces came meanwhile', async () => {
  const { output, holds } = heard();
  const piece = `${Buffer.alloc(48_000).toString('base64')},\n`;
  for (let count = 0; count < 60; count += 1) output.push(piece);
  await new Promise((resolve) => setImmediate(resolve));
  expect(holds).toEqual([true]);
  const reader = output.readable.getReader();
  for (let count = 0; count < 60; count += 1) await reader.read();
  await new Promise((resolve) => setImmediate(resolve));
  expect(holds).toEqual([true, false]);
});
