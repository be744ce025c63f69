import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { hostProcess } from '@gantry/core/node';
import { afterAll, expect, test } from 'vitest';
import { local } from '../src/index.ts';
import { eventually } from './scenario.ts';

const stateDirectory = mkdtempSync(path.join(tmpdir(), 'gantry-ending-'));
afterAll(() => rmSync(stateDirectory, { recursive: true }));

test.each(['destroy', 'release', 'destroyed by another'] as const)(
  'the exit of a process settles after %s',
  async (how) => {
    const provider = local({ stateDirectory });
    const sandbox = await provider.create();
    const running = await sandbox.spawn(['sleep', '60']);
    const exit = running.exit.catch((reason: unknown) => reason);
    if (how === 'destroy') await sandbox.destroy();
    else if (how === 'release') await sandbox.release();
    else await provider.destroy(sandbox.ref);
    expect(await exit).toMatchObject({ code: 'unavailable', outcome: 'unknown' });
    await provider.destroy(sandbox.ref);
  },
);

test('without isolation the exit of a process settles after a release too, and the process goes on', async () => {
  const provider = local({ stateDirectory, isolation: 'none' });
  const sandbox = await provider.create();
  const running = await sandbox.spawn(['sleep', '60']);
  const exit = running.exit.catch((reason: unknown) => reason);
  await sandbox.release();
  expect(await exit).toMatchObject({ code: 'unavailable', outcome: 'unknown' });
  expect(hostProcess.identifyProcess(running.pid ?? 0)).toBeDefined();
  await provider.destroy(sandbox.ref);
  await eventually(
    () => hostProcess.identifyProcess(running.pid ?? 0) === undefined,
    'it has ended',
  );
});

test('a command in a sandbox that somebody else has destroyed is not-found, and did not start', async () => {
  const provider = local({ stateDirectory });
  const sandbox = await provider.create();
  await provider.destroy(sandbox.ref);
  await expect(sandbox.exec(['true'])).rejects.toMatchObject({
    code: 'not-found',
    outcome: 'not-started',
    ref: sandbox.ref,
  });
  await sandbox.destroy();
});

test.each(['process', 'none'] as const)(
  'a missing working directory says so, isolation %s',
  async (isolation) => {
    await using sandbox = await local({ stateDirectory, isolation }).create();
    await expect(sandbox.exec('touch ran', { cwd: 'nowhere' })).rejects.toMatchObject({
      code: 'failed-precondition',
      details: { reason: 'cwd' },
    });
    expect(await sandbox.files.exists('ran')).toBe(false);
  },
);
