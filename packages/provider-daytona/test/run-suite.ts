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

/** What a run of the suite showed against the provider, and how many checks passed. */
export interface SuiteVerdict {
  readonly passed: number;
  /** Failures that nobody knows of, with what they say, and known ones that are none any more. */
  readonly against: readonly string[];
}

/** Runs the suite over the vendor's SDK and its emulator, as `gantry conformance daytona --emulated` does. */
export async function runSuite({
  profiles,
  backend,
  report = 'daytona',
}: SuiteRun = {}): Promise<SuiteVerdict> {
  const listed = readJson(`../../reports/${report}/known-failures.json`);
  const known = listed as Readonly<Record<string, string>>;
  // The shortest lifetime that a check asks for is then a minute, as it is at the vendor.
  const { gantry } = readJson('package.json') as {
    gantry: { conformance: { timeoutScale: number } };
  };
  await using emulated = await startEmulated(backend ? { provider: backend } : {});
  // Some checks go on in another process, which finds the emulator as its users do.
  Object.assign(process.env, emulated.emulator.environment);
  const options = {
    subject: { load: path.join(folder, 'dist/index.js') },
    mode: 'emulated',
    timeoutScale: gantry.conformance.timeoutScale,
  } as const;
  const some = profiles === undefined ? {} : { profiles };
  const { checks: first } = await runConformance({ ...options, ...some, concurrency: 6 });
  // What failed beside the others has another turn alone: each check has limits of time within itself.
  const only = first.filter(failed).map(({ id }) => id);
  const alone =
    only.length > 0 ? await runConformance({ ...options, concurrency: 1, only }) : undefined;
  const again = new Map(alone?.checks.map((check) => [check.id, check]));
  const checks = first.map((check) => (failed(check) ? (again.get(check.id) ?? check) : check));
  return {
    passed: checks.filter(({ status }) => status === 'pass').length,
    against: checks
      .filter((check) => failed(check) !== Object.hasOwn(known, check.id))
      .map(({ id, status, message = '' }) => `${id} ${status}: ${message}`),
  };
}

function failed({ status }: CheckReport): boolean {
  return status !== 'pass' && status !== 'unsupported';
}

function readJson(file: string): unknown {
  return JSON.parse(readFileSync(path.join(folder, file), 'utf8'));
}
