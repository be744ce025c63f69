import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { nameBytes, nameText, printableName } from './byte-name.ts';

test('names are written as receipts say', () => {
  expect(nameText(Buffer.from('é/日本'))).toBe('é/日本');
  expect(nameText(Buffer.from([0x61, 0xff, 0x5c, 0xc3]))).toBe(String.raw`a\xff\\\xc3`);
  expect(nameText(Buffer.from('a\uFFFDb'))).toBe('a\uFFFDb');
  expect(nameText(Buffer.from(String.raw`a\xff`))).toBe(String.raw`a\\xff`);
});

test('any bytes come back, so two names are never one text', () => {
  const bytes = fc.array(
    fc.constantFrom(0x5c, 0x78, 0x66, 0xff, 0xc3, 0xa9, 0xf0, 0x9f, 0x98, 0x80),
  );
  fc.assert(
    fc.property(bytes, (name) => {
      expect([...nameBytes(nameText(Buffer.from(name)))]).toEqual(name);
    }),
    { numRuns: 1000 },
  );
});

test('what is printed obeys no terminal', () => {
  expect(printableName('a\u001b[2J\u202eb\n')).toBe(String.raw`a\u{1b}[2J\u{202e}b\u{a}`);
});
