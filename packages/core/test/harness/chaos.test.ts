import { expect, test } from 'vitest';
import { chaos } from './chaos.ts';

// A few of what chaos.full.test.ts does 40 times.
// Proves: harness-wasted-work, harness-lease-first
test.each([1, 2, 3])(
  'a run that is killed and loses its sandboxes ends right: seed %i',
  async (seed) => {
    const { kills } = await chaos(seed, 4);
    expect(kills).toBeGreaterThan(0);
  },
);
