import {
  runEmulatedSuite,
  type SuiteRun,
  type SuiteVerdict,
} from '../../../tests/emulated-suite.ts';
import { startEmulated } from './emulated.ts';

/** Runs the suite over the vendor's SDK and its emulator. */
export function runSuite(run: SuiteRun = {}): Promise<SuiteVerdict> {
  return runEmulatedSuite({ name: 'vercel', start: startEmulated }, run);
}
