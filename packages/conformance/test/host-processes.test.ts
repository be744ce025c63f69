import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { hostProcesses } from '../src/subject/host-processes.ts';

test('a process of the host is found by its command line, as long as it runs', async () => {
  const marker = `marker-${randomUUID()}`;
  expect(await hostProcesses(marker, 60_000)).toEqual([]);
  const child = spawn('sh', ['-c', 'read -r _', marker], { stdio: ['pipe', 'ignore', 'ignore'] });
  await once(child, 'spawn');
  // Between fork and exec it is another program still.
  await expect.poll(() => hostProcesses(marker, 60_000), { timeout: 60_000 }).toEqual([child.pid]);
  child.stdin.end();
  await once(child, 'exit');
  expect(await hostProcesses(marker, 60_000)).toEqual([]);
});
