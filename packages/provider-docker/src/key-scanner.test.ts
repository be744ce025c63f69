import { expect, test } from 'vitest';
import { KeyScanner } from './key-scanner.ts';

const key = 'abcdef';

function scan(): { scanner: KeyScanner; passed: () => string; lines: string[] } {
  let text = '';
  const lines: string[] = [];
  const scanner = new KeyScanner(
    key,
    (bytes) => (text += Buffer.from(bytes).toString()),
    (line) => lines.push(line),
  );
  return { scanner, passed: () => text, lines };
}

test('a question whose end looks like a key is passed on with its frame, and nothing twice', () => {
  const { scanner, passed, lines } = scan();
  scanner.push(Buffer.from('your choice: abc'));
  expect(passed()).toBe('your choice: ');
  scanner.frameEnded(16);
  expect(passed()).toBe('your choice: abc');
  scanner.push(Buffer.from('abc'));
  scanner.frameEnded(3);
  scanner.push(Buffer.from('x'));
  scanner.flush();
  expect(passed()).toBe('your choice: abcabcx');
  expect(lines).toEqual([]);
});

test('a key that a full pipe has taken apart is found all the same', async () => {
  const { scanner, passed, lines } = scan();
  const long = 'x'.repeat(8000);
  scanner.push(Buffer.from(`${long}abc`));
  scanner.frameEnded(8003);
  scanner.push(Buffer.from('defe 0\n'));
  scanner.frameEnded(7);
  expect([passed(), lines]).toEqual([long, ['e 0']]);
  // Also where it took longer than anybody waits.
  scanner.push(Buffer.from(`${long}ab`));
  scanner.frameEnded(8002);
  await expect.poll(() => passed().length, { timeout: 30_000 }).toBe(2 * 8000 + 2);
  scanner.push(Buffer.from('cdefe 1\n'));
  expect(lines).toEqual(['e 0', 'e 1']);
});
