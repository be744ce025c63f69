import { readFileSync } from 'node:fs';
import path from 'node:path';
import { type CheckReport, runConformance } from '@gantry/conformance';
import { startEmulated } from './emulated.ts';

const folder = path.join(import.meta.dirname, '..');
const known = JSON.parse(
  readFileSync(path.join(folder, '../../reports/e2b/known-failures.json'), 'utf8'),
) as Readonly<Record<string, string>>;

/** What a run of the suite showed against the provider, and what its reasons are known of. */
export interface SuiteVerdict {
  readonly passed: number;
  /** Failures that nobody knows of, with what they say. */
  readonly against: readonly string[];
  /** Checks that are listed as known failures and pass. */
  readonly listedInVain: readonly string[];
}

/** Runs the suite over the vendor's SDK and its emulator, as `gantry conformance e2b --emulated` does. */
export async function runSuite(profiles?: readonly string[]): Promise<SuiteVerdict> {
  await using emulated = await startEmulated();
  // Some checks go on in another process, which finds the emulator as its users do.
  Object.assign(process.env, emulated.emulator.environment);
  const options = {
    subject: { load: path.join(folder, 'dist/index.js') },
    mode: 'emulated',
    // Limits for a machine that does much else.
    timeoutScale: 12,
  } as const;
  const some = profiles === undefined ? {} : { profiles };
  const { checks: first } = await runConformance({ ...options, ...some, concurrency: 6 });
  // What failed beside the others has another turn alone: each check has limits of time within itself.
  const only = first.filter(failed).map(({ id }) => id);
  const alone =
    only.length > 0 ? await runConformance({ ...options, concurrency: 1, only }) : undefined;
  const again = new Map(alone?.checks.map((check) => [check.id, check]));
  const checks = first.map((check) => (failed(check) ? (again.get(check.id) ?? check) : check));
  const bad = checks.filter(failed);
  return {
    passed: checks.filter(({ status }) => status === 'pass').length,
    against: bad
      .filter(({ id }) => !Object.hasOwn(known, id))
      .map(({ id, status, message = '' }) => `${id} ${status}: ${message}`),
    listedInVain: checks
      .filter((check) => !failed(check) && Object.hasOwn(known, check.id))
      .map(({ id }) => id),
  };
}

function failed({ status }: CheckReport): boolean {
  return status !== 'pass' && status !== 'unsupported';
}
