import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';

const dist = path.join(import.meta.dirname, '..', 'client', 'dist');
const LIMIT = 300_000;

interface Chunk {
  readonly file: string;
  readonly isEntry?: boolean;
  readonly imports?: readonly string[];
}

test('the first load is less than 300 kB of compressed JavaScript, and no page, terminal, editor or chart is in it', async () => {
  const text = await readFile(path.join(dist, '.vite', 'manifest.json'), 'utf8');
  const chunks = new Map<string, Chunk>(Object.entries(JSON.parse(text) as Record<string, Chunk>));
  const first = new Set<string>();
  const add = (name: string): void => {
    const chunk = chunks.get(name);
    if (chunk === undefined) throw new Error(`the manifest of the build names no ${name}`);
    if (first.has(name)) return;
    first.add(name);
    for (const next of chunk.imports ?? []) add(next);
  };
  for (const [name, { isEntry }] of chunks) if (isEntry === true) add(name);
  expect(first.size).toBeGreaterThan(0);

  let bytes = 0;
  let source = '';
  for (const name of first) {
    const code = await readFile(path.join(dist, chunks.get(name)?.file ?? ''));
    bytes += gzipSync(code).length;
    source += code.toString('utf8');
  }
  expect(bytes).toBeLessThan(LIMIT);
  expect(bytes).toBeGreaterThan(50_000);
  // Class names that these libraries write into the page.
  for (const lazy of ['xterm-screen', 'cm-editor', 'u-wrap']) expect(source).not.toContain(lazy);
  expect(chunks.size).toBeGreaterThan(first.size);
});
