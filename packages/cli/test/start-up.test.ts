import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { bin } from './gantry.ts';

function milliseconds(args: readonly string[]): number {
  const begin = performance.now();
  const { status } = spawnSync(process.execPath, args, { stdio: 'ignore' });
  expect(status).toBe(0);
  return performance.now() - begin;
}

test('starts in twice the time of Node alone', () => {
  // Taken in turns, and the best of many: what else the machine does must not decide.
  const [node, gantry]: [number[], number[]] = [[], []];
  for (let round = 0; round < 15; round += 1) {
    node.push(milliseconds(['-e', '0']));
    gantry.push(milliseconds([bin, '--version']));
  }
  expect(Math.min(...gantry) / Math.min(...node)).toBeLessThan(2);
});
