import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { ConfinedDirectory } from '@gantry/core/node';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { LayerChanges } from './layer-changes.ts';
import { entryState, isDirectoryOf } from './listing.ts';

let scratch: string;
beforeEach(() => {
  scratch = mkdtempSync(path.join(os.tmpdir(), 'gantry-listing-'));
  mkdirSync(path.join(scratch, 'd'));
  writeFileSync(path.join(scratch, 'd', 'inner'), 'x');
});
afterEach(() => rmSync(scratch, { recursive: true }));

const stateOf = (changed: object = {}): string => {
  const stat = statSync(path.join(scratch, 'd'), { bigint: true });
  return entryState({ stat: Object.assign(stat, changed) });
};

test('a directory is the same one when something was written in it', () => {
  const before = stateOf();
  writeFileSync(path.join(scratch, 'd', 'more'), 'y');
  expect(stateOf()).not.toBe(before);
  expect(isDirectoryOf(before, statSync(path.join(scratch, 'd'), { bigint: true }))).toBe(true);
});

test.each([
  ['was born at another time', { birthtimeNs: 1n }],
  ['has another number', { ino: 1n }],
  ['was a file', { mode: 0o100644n }],
])('one that %s is another one', (_what, changed) => {
  const stat = statSync(path.join(scratch, 'd'), { bigint: true });
  expect(isDirectoryOf(stateOf(changed), stat)).toBe(false);
});

test('where births are not kept, none is the same', () => {
  const stat = statSync(path.join(scratch, 'd'), { bigint: true });
  Object.assign(stat, { birthtimeNs: 0n });
  expect(isDirectoryOf(entryState({ stat }), stat)).toBe(false);
});

test('all of a directory that took the number of a removed one is told', () => {
  using directory = new ConfinedDirectory(scratch);
  using layers = new LayerChanges(scratch, directory, scratch);
  const [now] = directory.walk();
  if (!now) throw new Error('there is no directory');
  const told = (state: string): string[] =>
    [...layers.of({ text: 'd', before: { text: 'd', state }, now })].map(
      ({ path: at, stat }) => `${at.toString()} ${stat?.type ?? 'gone'}`,
    );
  expect(told(stateOf({ birthtimeNs: 1n }))).toEqual(['d gone', 'd directory', 'd/inner file']);
  expect(told(stateOf({ mtimeNs: 1n }))).toEqual(['d directory']);
});
