import { readFileSync } from 'node:fs';
import path from 'node:path';
import { type CheckReport, runConformance } from '@gantry/conformance';
import type { Provider } from '@gantry/core';
import { startEmulated } from './emulated.ts';

const folder = path.join(import.meta.dirname, '..');

/** What a run is of: everything on local sandboxes, unless it says otherwise. */
export interface SuiteRun {
  readonly profiles?: readonly string[];
  /** Makes the emulator's sandboxes. */
  readonly backend?: Provider;
  /** The committed report whose known failures hold. */
  readonly report?: string;
}

/** What a run of the suite showed against the provider, and what its reasons are known of. */
export interface SuiteVerdict {
  readonly passed: number;
  /** Failures that nobody knows of, with what they say. */
  readonly against: readonly string[];
  /** Checks that are listed as known failures and pass. */
  readonly listedInVain: readonly string[];
}

/** Runs the suite over the vendor's SDK and its emulator, as `gantry conformance vercel --emulated` does. */
export async function runSuite({
  profiles,
  backend,
  report = 'vercel',
}: SuiteRun = {}): Promise<SuiteVerdict> {
  const known = knownFailures(report);
  await using emulated = await startEmulated(backend ? { provider: backend } : {});
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

function knownFailures(report: string): Readonly<Record<string, string>> {
  const file = path.join(folder, '../../reports', report, 'known-failures.json');
  return JSON.parse(readFileSync(file, 'utf8')) as Readonly<Record<string, string>>;
}
