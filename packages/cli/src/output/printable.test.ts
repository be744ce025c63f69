import { expect, test } from 'vitest';
import { printable } from './printable.ts';

test('what could steer a terminal is shown as an escape, all else as it is', () => {
  expect(printable('\u001b[2Jhidden\rover\u009b31m\u202e')).toBe(
    '\\x1b[2Jhidden\\x0dover\\x9b31m\\u202e',
  );
  expect(printable('a\tb\nçé 漢字 🏗')).toBe('a\tb\nçé 漢字 🏗');
});
