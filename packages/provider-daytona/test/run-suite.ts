import { readFileSync } from 'node:fs';
import path from 'node:path';
import { runConformance } from '@gantry/conformance';
import { startEmulated } from './emulated.ts';

const folder = path.join(import.meta.dirname, '..');
const known = JSON.parse(
  readFileSync(path.join(folder, '../../reports/daytona/known-failures.json'), 'utf8'),
) as Readonly<Record<string, string>>;

/** What a run of the suite showed against the provider, and how many checks passed. */
export interface SuiteVerdict {
  readonly passed: number;
  /** Failures that nobody knows of, with what they say, and known ones that are none any more. */
  readonly against: readonly string[];
}

/** Runs the suite over the vendor's SDK and its emulator, as `gantry conformance daytona --emulated` does. */
export async function runSuite(profiles?: readonly string[]): Promise<SuiteVerdict> {
  await using emulated = await startEmulated();
  // Some checks go on in another process, which finds the emulator as its users do.
  Object.assign(process.env, emulated.emulator.environment);
  const { checks } = await runConformance({
    subject: { load: path.join(folder, 'dist/index.js') },
    mode: 'emulated',
    // The shortest lifetime that a check asks for is then a minute, as it is at the vendor.
    timeoutScale: 24,
    concurrency: 6,
    ...(profiles === undefined ? {} : { profiles }),
  });
  return {
    passed: checks.filter(({ status }) => status === 'pass').length,
    against: checks
      .filter(
        ({ id, status }) =>
          (status !== 'pass' && status !== 'unsupported') !== Object.hasOwn(known, id),
      )
      .map(({ id, status, message = '' }) => `${id} ${status}: ${message}`),
  };
}
