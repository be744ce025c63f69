import { describeConformance } from '@gantry/conformance/vitest';
import { conformanceSubject } from './conformance-subject.ts';

// No GNU tool and no bash: what a sandbox needs is POSIX, and so are the checks.
describeConformance({ subject: conformanceSubject('busybox'), timeoutScale: 4 });
