import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'vitest';
import { local } from '../src/index.ts';
import { killHosts } from './kill-host.ts';

test('a hundred processes are killed while they create, and leave nothing', async () => {
  const scratch = mkdtempSync(path.join(os.tmpdir(), 'gantry-kill-'));
  const stateDirectory = path.join(scratch, 'state');
  try {
    await killHosts({ provider: local({ stateDirectory }), stateDirectory, scratch }, 100, 0);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
});
