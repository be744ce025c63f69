import { isDeepStrictEqual } from 'node:util';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { canonicalDigest, canonicalJson } from './canonical-json.ts';
import { digestManifest } from './digest-manifest.ts';

test('the examples of RFC 8785', () => {
  const numbers = [
    Number('333333333.33333329'),
    1e30,
    4.5,
    2e-3,
    0.000_000_000_000_000_000_000_000_001,
    -0,
  ];
  expect(canonicalJson(numbers)).toBe('[333333333.3333333,1e+30,4.5,0.002,1e-27,0]');
  expect(canonicalJson('\u20ac$\u000f\nA\'B"\\"/')).toBe(String.raw`"€$\u000f\nA'B\"\\\"/"`);
  const keys = {
    '\u20ac': 1,
    '\r': 2,
    '\ufb33': 3,
    '1': 4,
    '\u{1f600}': 5,
    '\u0080': 6,
    '\u00f6': 7,
  };
  // Sorted by UTF-16 code units: the emoji's first half comes before U+FB33.
  expect(canonicalJson(keys)).toBe(
    '{"\\r":2,"1":4,"\u0080":6,"\u00f6":7,"\u20ac":1,"\u{1f600}":5,"\ufb33":3}',
  );
});

test.each([Number.NaN, Infinity, '\ud800', { '\udc00': 1 }, () => 1, 1n])(
  '%s has none',
  (value) => {
    expect(() => canonicalJson(value)).toThrow(TypeError);
  },
);

test('the order of keys never matters, any other change does', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (one, two) => {
      // JSON has no minus zero.
      const value: unknown = JSON.parse(JSON.stringify(one));
      expect(JSON.parse(canonicalJson(value))).toEqual(value);
      expect(canonicalJson(reversed(value))).toBe(canonicalJson(value));
      const same = isDeepStrictEqual(value, JSON.parse(JSON.stringify(two)));
      expect(canonicalDigest(value) === canonicalDigest(two)).toBe(same);
    }),
  );
});

test('a manifest has one digest in any order of keys', () => {
  const one = digestManifest({ spec: 'gantry-manifest/1', env: { A: '1', B: '2' } });
  const two = digestManifest({ env: { B: '2', A: '1' }, spec: 'gantry-manifest/1' });
  expect(one).toBe(two);
  expect(one).toMatch(/^[0-9a-f]{64}$/);
  expect(digestManifest({ spec: 'gantry-manifest/1', env: { A: '1' } })).not.toBe(one);
});

function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, member]) => [key, reversed(member)]),
  );
}
