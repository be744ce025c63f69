import { mkdtempSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { type CheckReport, runConformance, testNetwork } from '@gantry/conformance';
import type { Provider } from '@gantry/core';
import { withEgress } from '@gantry/egress';
import type { EmulatorOptions } from '@gantry/emulators';
import { local } from '@gantry/provider-local';
import type { Emulated } from './emulated-provider.ts';

const root = path.join(import.meta.dirname, '..');

/** The provider that the suite looks at. */
export interface SuiteSubject {
  /** As in `packages/provider-<name>` and `reports/<name>`. */
  readonly name: string;
  readonly start: (options: Partial<EmulatorOptions>) => Promise<Emulated>;
  /** Default: limits for a machine that does much else. */
  readonly timeoutScale?: number;
}

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

/** Runs the suite over the vendor's SDK and its emulator, as `gantry conformance <name> --emulated` does. */
export async function runEmulatedSuite(
  { name, start, timeoutScale = 12 }: SuiteSubject,
  { profiles, backend, report = name }: SuiteRun,
): Promise<SuiteVerdict> {
  const known = knownFailures(report);
  const scratch = mkdtempSync(path.join(os.tmpdir(), `gantry-${name}-`));
  await using _scratch = { [Symbol.asyncDispose]: () => rm(scratch, { recursive: true }) };
  // What a vendor's own network enforces, a proxy does for its emulator's sandboxes.
  const sandboxes = withEgress(backend ?? local({ stateDirectory: path.join(scratch, 'local') }), {
    ...testNetwork,
    stateDirectory: path.join(scratch, 'egress'),
  });
  await using emulated = await start({ provider: sandboxes });
  // Some checks go on in another process, which finds the emulator as its users do.
  Object.assign(process.env, emulated.emulator.environment);
  const subject = { load: path.join(root, 'packages', `provider-${name}`, 'dist/index.js') };
  const options = { subject, mode: 'emulated', timeoutScale } as const;
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

function knownFailures(report: string): Readonly<Record<string, string>> {
  const file = path.join(root, 'reports', report, 'known-failures.json');
  return JSON.parse(readFileSync(file, 'utf8')) as Readonly<Record<string, string>>;
}
