import { expect, test } from 'vitest';
import { OutputStream } from './output-stream.ts';

test('whoever pushed too much hears of room, also where several did at once', async () => {
  const output = new OutputStream();
  const heard = ['', '', ''];
  for (const index of heard.keys()) {
    void output.push(new Uint8Array(700_000)).then(() => (heard[index] = 'room'));
  }
  await new Promise((resolve) => setImmediate(resolve));
  expect(heard).toEqual(['room', '', '']);
  const reader = output.readable.getReader();
  for (const _piece of heard) await reader.read();
  await new Promise((resolve) => setImmediate(resolve));
  expect(heard).toEqual(['room', 'room', 'room']);
});

test.each(['end', 'fail', 'cancel'] as const)(
  'nobody waits for room in one that is over: %s',
  async (how) => {
    const output = new OutputStream();
    const pushes = [1, 2, 3].map(() => output.push(new Uint8Array(700_000)));
    if (how === 'end') output.end();
    else if (how === 'fail') output.fail(new Error('it broke'));
    else await output.readable.cancel();
    expect(await Promise.all(pushes)).toHaveLength(3);
    await output.push(new Uint8Array(700_000));
  },
);
