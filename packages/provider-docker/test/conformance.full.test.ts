import { describeConformance } from '@gantry/conformance/vitest';
import { conformanceSubject } from './conformance-subject.ts';

describeConformance({ subject: conformanceSubject(), timeoutScale: 4 });
