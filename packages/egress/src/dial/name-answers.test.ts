import { expect, test, vi } from 'vitest';
import { NameAnswers } from './name-answers.ts';

const never: Promise<never> = new Promise(() => undefined);

vi.mock('node:dns/promises', () => ({
  lookup: (name: string) => (name.startsWith('slow') ? never : [{ address: '192.0.2.1' }]),
}));

test('who asks for names that nobody answers keeps only itself waiting', async () => {
  const one = new NameAnswers();
  for (let count = 0; count < 10; count += 1) void one.addresses(`slow-${count}.test`);
  const other = new NameAnswers();
  const found = await Promise.all(['a', 'b', 'c'].map((name) => other.addresses(`${name}.test`)));
  expect(found.flat()).toEqual(
    Array.from({ length: 3 }, () => ({ text: '192.0.2.1', family: 'ipv4' })),
  );
});
