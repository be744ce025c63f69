import { mkdirSync, openSync, closeSync, writeFileSync, writeSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import path from 'node:path';

const words =
  'const function return import export await async value index buffer stream request response error snapshot patient record module class interface readonly string number boolean'.split(
    ' ',
  );

/** A generator of numbers that gives the same ones each time. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => (state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff);
}

/** `count` files of text, about 10 kB each, a hundred to a directory. They compress about 4 times. */
export function makeSmallFiles(directory: string, count: number): void {
  const next = numbers(12_345);
  for (let file = 0; file < count; file += 1) {
    const group = Math.floor(file / 100);
    const place = path.join(directory, `group-${Math.floor(group / 10)}`, `part-${group}`);
    if (file % 100 === 0) mkdirSync(place, { recursive: true });
    let text = '';
    while (text.length < 10_000) {
      const word = words[next() % words.length] ?? '';
      text += word + (next() % 5 ? ' ' : `\n${next().toString(36)} `);
    }
    writeFileSync(path.join(place, `file-${file % 100}.ts`), text);
  }
}

/** `count` files of `megabytes` each, half of it noise and half of it text. */
export function makeLargeFiles(directory: string, count: number, megabytes: number): void {
  mkdirSync(directory, { recursive: true });
  const text = Buffer.from(words.join(' ').repeat(4_000)).subarray(0, 512 * 1024);
  for (let file = 0; file < count; file += 1) {
    const descriptor = openSync(path.join(directory, `large-${file}.bin`), 'w');
    for (let part = 0; part < megabytes; part += 1) {
      writeSync(descriptor, randomBytes(512 * 1024));
      text.writeUInt32BE(file * 1_000 + part, (part * 4_096) % (text.length - 4));
      writeSync(descriptor, text);
    }
    closeSync(descriptor);
  }
}
