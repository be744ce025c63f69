import { expect, test } from 'vitest';
import { chaos } from './chaos.ts';

const rounds = 9;
const seedsInARound = 6;
const killsOfASeed = 6;

// 54 runs of up to six kills each; together more than 200 kills, which the last test counts.
let total = 0;
test.each(Array.from({ length: rounds }, (_, round) => round))(
  'runs that are killed and lose their sandboxes end right: round %i',
  async (round) => {
    for (let index = 0; index < seedsInARound; index++) {
      const { kills } = await chaos(100 + round * seedsInARound + index, killsOfASeed);
      total += kills;
    }
    expect(total).toBeGreaterThan(0);
  },
);

test('they were killed at 200 points at the least', () => {
  expect(total).toBeGreaterThanOrEqual(200);
});
