import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { local } from '../src/index.ts';
import { killHosts } from './kill-host.ts';

test('a hundred processes are killed while they create, and leave nothing', async () => {
  const scratch = mkdtempSync(path.join(os.tmpdir(), 'gantry-kill-'));
  const stateDirectory = path.join(scratch, 'state');
  try {
    const context = { provider: local({ stateDirectory }), stateDirectory, scratch };
    await expect(killHosts(context, 100, 0)).resolves.toBeUndefined();
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
});
