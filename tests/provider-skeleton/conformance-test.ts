import path from 'node:path';
import { describeConformance } from '@gantry/conformance/vitest';

describeConformance({ subject: { load: path.join(import.meta.dirname, 'index.ts') } });
