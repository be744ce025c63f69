import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describeConformance } from '@gantry/conformance/vitest';
import { afterAll } from 'vitest';

const stateDirectory = mkdtempSync(path.join(tmpdir(), 'gantry-conformance-'));
afterAll(() => rmSync(stateDirectory, { recursive: true }));

// As its users meet it: the package's own entry. Limits for a machine that does much else.
describeConformance({
  subject: {
    load: path.join(import.meta.dirname, '../dist/index.js'),
    options: { stateDirectory },
  },
  timeoutScale: 4,
  concurrency: 8,
});
