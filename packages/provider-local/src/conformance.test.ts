import path from 'node:path';
import { describeConformance } from '@gantry/conformance/vitest';

// As its users meet it: the package's own entry. Limits for a machine that does much else.
describeConformance({
  subject: { load: path.join(import.meta.dirname, '../dist/index.js') },
  timeoutScale: 4,
  concurrency: 8,
});
