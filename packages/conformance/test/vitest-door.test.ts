import { describeConformance } from '../src/vitest.ts';
import { subjects } from './subjects.ts';

describeConformance({ subject: { load: subjects.directory }, profiles: ['inventory', 'terminal'] });
