import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { checks, mutants } from '../src/index.ts';
import { provenElsewhere } from '../src/proven-elsewhere.ts';
import { weakened } from './weakened.ts';

const specification = readFileSync(path.join(import.meta.dirname, '../../../docs/spec.md'), 'utf8');
const requirements = specification.split(/\n(?=- <a id=)/).flatMap((text) => {
  const anchor = /^- <a id="([^"]+)"/.exec(text)?.[1];
  return anchor === undefined
    ? []
    : [{ anchor, must: /\bMUST\b/.test(text.split('\n\n')[0] ?? '') }];
});

test('every check cites an anchor of the specification', () => {
  const anchors = new Set(requirements.map(({ anchor }) => anchor));
  expect(
    checks.filter(({ spec }) => !anchors.has(spec)).map(({ id, spec }) => `${id}: ${spec}`),
  ).toEqual([]);
});

test('every MUST of the specification has a check, or is proven elsewhere by name', () => {
  const cited = new Set(checks.map(({ spec }) => spec));
  const open = requirements.filter(
    ({ anchor, must }) => must && !cited.has(anchor) && !(anchor in provenElsewhere),
  );
  expect(open.map(({ anchor }) => anchor)).toEqual([]);
  expect(Object.keys(provenElsewhere).filter((anchor) => cited.has(anchor))).toEqual([]);
  expect(Object.keys(provenElsewhere).length).toBeLessThanOrEqual(11);
});

test('the suite is as large as it says', () => {
  expect(checks.length).toBeGreaterThanOrEqual(120);
  expect(mutants.length).toBeGreaterThanOrEqual(50);
  expect(new Set(mutants.map(({ name }) => name)).size).toBe(mutants.length);
});

test('every MUST is killed by a mutant or a weakened subject', () => {
  const killed = new Set([
    ...mutants.flatMap(({ kills }) => kills),
    ...Object.values(weakened).flat(),
  ]);
  const ids = new Set<string>(checks.map(({ id }) => id));
  expect([...killed].filter((id) => !ids.has(id))).toEqual([]);
  expect(
    checks.filter(({ id, level }) => level === 'must' && !killed.has(id)).map(({ id }) => id),
  ).toEqual([]);
});

test('every check that needs something has a twin that proves its absence', () => {
  const profiles = new Set(
    checks
      .filter(({ needs }) => needs?.capability ?? needs?.isolation)
      .map(({ id }) => id.split('/')[0]),
  );
  const twins = new Set(checks.filter(({ twin }) => twin).map(({ id }) => id.split('/')[0]));
  expect([...profiles].filter((profile) => !twins.has(profile))).toEqual([]);
});
