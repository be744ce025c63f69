import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';

const promises = readFileSync(
  path.join(import.meta.dirname, '../../../../docs/harness.md'),
  'utf8',
);
const anchors = [...promises.matchAll(/<a id="([a-z-]+)">/g)].map(([, anchor = '']) => anchor);

/** The anchors that tests name in a comment `Proves: anchor, anchor`. */
const cited = globSync('*.test.ts', { cwd: import.meta.dirname }).flatMap((file) =>
  [
    ...readFileSync(path.join(import.meta.dirname, file), 'utf8').matchAll(/\/\/ Proves: (.*)/g),
  ].flatMap(([, list = '']) => list.split(', ')),
);

test('every promise of the harness is proven by a test that names it, and no test names another', () => {
  expect(anchors).not.toEqual([]);
  expect(anchors.filter((anchor) => !cited.includes(anchor))).toEqual([]);
  expect(cited.filter((anchor) => !anchors.includes(anchor))).toEqual([]);
});
