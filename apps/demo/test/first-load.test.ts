import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { clientDirectory } from '../src/server/client-files.ts';

// What a browser must fetch before the first page can be used. Pages, the editor and the terminal come when they are needed.

const mostBytes = 300_000;

interface Chunk {
  readonly file: string;
  readonly isEntry?: boolean;
  readonly imports?: readonly string[];
}

test('the first load is less than 300 kB of compressed JavaScript', async () => {
  const text = await readFile(path.join(clientDirectory, '.vite', 'manifest.json'), 'utf8');
  const chunks = JSON.parse(text) as Readonly<Record<string, Chunk>>;
  const needed = new Set<string>();
  const need = (name: string): void => {
    if (needed.has(name)) return;
    needed.add(name);
    for (const other of chunks[name]?.imports ?? []) need(other);
  };
  for (const [name, { isEntry }] of Object.entries(chunks)) if (isEntry) need(name);
  const sizes = await Promise.all(
    [...needed].map(async (name) => {
      const file = chunks[name]?.file ?? '';
      return [file, gzipSync(await readFile(path.join(clientDirectory, file))).length] as const;
    }),
  );
  expect(sizes).not.toEqual([]);
  const all = sizes.reduce((sum, [, bytes]) => sum + bytes, 0);
  expect(all, JSON.stringify(sizes)).toBeLessThan(mostBytes);
});
