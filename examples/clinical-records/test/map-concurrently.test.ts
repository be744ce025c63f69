import { setTimeout } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { mapConcurrently } from './map-concurrently.ts';

test('results are in the order of the items, whatever ends first', async () => {
  const results = await mapConcurrently([30, 1, 20, 2, 10], 3, async (delay) => {
    await setTimeout(delay);
    return delay * 2;
  });
  expect(results).toEqual([60, 2, 40, 4, 20]);
});

test('after a rejection nothing starts, and what runs is waited for', async () => {
  const started: number[] = [];
  const ended: number[] = [];
  const work = async (item: number): Promise<void> => {
    started.push(item);
    if (item === 1) throw new Error('first');
    await setTimeout(20);
    ended.push(item);
  };
  await expect(mapConcurrently([0, 1, 2, 3], 2, work)).rejects.toThrow('first');
  expect([started, ended]).toEqual([[0, 1], [0]]);
});
