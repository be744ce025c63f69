import { expect, test } from 'vitest';
import { docker } from '../src/index.ts';
import { daemonOfRun } from './daemon-of-run.ts';
import { testImages } from './test-images.ts';

test('fifty sandboxes at once, each with its own', async () => {
  const provider = docker({ host: daemonOfRun().host, image: testImages.busybox });
  const labels = { run: 'fifty' };
  const one = async (index: number): Promise<string> => {
    await using sandbox = await provider.create({ labels });
    await sandbox.files.write('mine', String(index));
    return (await sandbox.exec('cat mine')).stdout.text;
  };
  const numbers = Array.from({ length: 50 }, (_, index) => index);
  expect(await Promise.all(numbers.map(one))).toEqual(numbers.map(String));
  expect(await Array.fromAsync(provider.list({ labels }))).toEqual([]);
});
