import {
  runEmulatedSuite,
  type SuiteRun,
  type SuiteVerdict,
} from '../../../tests/emulated-suite.ts';
import manifest from '../package.json' with { type: 'json' };
import { startEmulated } from './emulated.ts';

// The shortest lifetime that a check asks for is then a minute, as it is at the vendor.
const { timeoutScale } = manifest.gantry.conformance;

/** Runs the suite over the vendor's SDK and its emulator. */
export function runSuite(run: SuiteRun = {}): Promise<SuiteVerdict> {
  return runEmulatedSuite({ name: 'daytona', start: startEmulated, timeoutScale }, run);
}
