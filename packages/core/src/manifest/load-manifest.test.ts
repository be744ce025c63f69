import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { caught } from '../../test/manifest/caught.ts';
import { loadManifest } from './load-manifest.ts';

let directory = '';
beforeAll(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'gantry-load-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

async function write(name: string, text: string | Uint8Array): Promise<string> {
  const file = path.join(directory, name);
  await writeFile(file, text);
  return file;
}

test('YAML and JSON of the same manifest are equal', async () => {
  const yaml = await write(
    'a.yaml',
    'spec: gantry-manifest/1\nentries:\n  a/b.txt: &e {type: file, text: hi}\n  c: *e\n# comment\n',
  );
  const json = await write(
    'a.json',
    '{\t"spec": "gantry-manifest/1",\n\t"entries": {"a/b.txt": {"type": "file", "text": "hi"}, "c": {"type": "file", "text": "hi"}}}',
  );
  expect(await loadManifest(yaml)).toEqual(await loadManifest(json));
});

test.each([
  ['a syntax error', 'spec: [gantry\nname: }\n', ':2:1: name: '],
  ['a tab as indentation', 'spec: gantry-manifest/1\nentries:\n\ta: {type: dir}\n', ':3:1: '],
  [
    'a duplicate key',
    'spec: gantry-manifest/1\nentries:\n  a: {type: dir}\n  a: {type: dir}\n',
    ':4:3: entries.a: ',
  ],
  [
    'a duplicate key, one a number',
    'spec: gantry-manifest/1\nlabels: {1: a, "1": b}\n',
    ':2:16: labels["1"]: ',
  ],
  [
    'an unknown key',
    'spec: gantry-manifest/1\nentries:\n  a:\n    type: dir\n    mod: "0755"\n',
    ':5:5: entries.a.mod: unknown key',
  ],
  [
    'a bad value',
    'spec: gantry-manifest/1\nports:\n  - 80\n  - 70000\n',
    ':4:5: ports[1]: is above 65535',
  ],
  [
    'a bad value in an alias',
    'spec: gantry-manifest/1\nentries:\n  a: &e {type: nope}\n  b: *e\n',
    ':3:10: entries.b.type: ',
  ],
  [
    'a mode that is a number',
    'spec: gantry-manifest/1\nentries: {a: {type: dir, mode: 0755}}\n',
    ':2:26: entries.a.mode: must be octal text in quotes',
  ],
  [
    'a missing value',
    'spec: gantry-manifest/1\nentries:\n  a: {type: localFile}\n',
    ':3:3: entries.a.source: is missing',
  ],
  ['JSON cut off', '{"spec": "gantry-manifest/1",\n "name": ', ':2:'],
  ['two documents', 'spec: gantry-manifest/1\n---\nspec: gantry-manifest/1\n', ':2:1: '],
  ['an unknown tag', 'spec: gantry-manifest/1\nname: !!js/function x\n', ':2:7: name: '],
  ['an empty file', '', ':1:1: manifest: must be an object'],
])('%s is named by file, line, column and path', async (name, text, place) => {
  const file = await write(`${name}.yaml`, text);
  const error = await caught(() => loadManifest(file));
  expect(error.code).toBe('invalid-argument');
  expect(error.message).toContain(`${file}${place}`);
  const [first] = error.details['problems'] as { line: number }[];
  expect(first?.line).toBe(Number(place.split(':')[1]));
});

test('a bomb of aliases is refused', async () => {
  const levels = Array.from({ length: 12 }, (_, index) =>
    index === 0
      ? 'l0: &l0 [x,x,x,x,x,x,x,x,x]'
      : `l${index}: &l${index} [${`*l${index - 1},`.repeat(9)}]`,
  );
  const file = await write('bomb.yaml', `${levels.join('\n')}\n`);
  expect((await caught(() => loadManifest(file))).message).toContain('alias');
});

test('what is not text, not there or not readable is told apart', async () => {
  const binary = await write('binary.yaml', Buffer.from([0xff, 0xfe, 0x00]));
  expect((await caught(() => loadManifest(binary))).message).toContain('is not UTF-8');
  expect((await caught(() => loadManifest(path.join(directory, 'none')))).code).toBe('not-found');
  expect((await caught(() => loadManifest(directory))).message).toContain(directory);
});
