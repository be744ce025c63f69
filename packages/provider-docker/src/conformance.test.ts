import { describeConformance } from '@gantry/conformance/vitest';
import { conformanceSubject } from '../test/conformance-subject.ts';

// What is the docker provider's own matter, and quick; `npm run test:full` runs the whole suite.
describeConformance({
  subject: conformanceSubject(),
  profiles: ['users', 'privilege', 'images', 'mounts', 'native-snapshot', 'root'],
  timeoutScale: 4,
});
