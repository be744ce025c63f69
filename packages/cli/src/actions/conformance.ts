import { readFile, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  checks,
  runConformance,
  runMutants,
  toBadge,
  toHtml,
  toJUnit,
  type ConformanceOptions,
  type Report,
} from '@gantry/conformance';
import { CliError, messageOf } from '../errors/cli-error.ts';
import { ANSWER_IS_NO } from '../exit-codes.ts';
import { Progress } from '../output/progress.ts';
import { printable } from '../output/printable.ts';
import { print, printJson } from '../output/print.ts';
import { table } from '../output/table.ts';
import { emulatedVariable } from '../provider/emulated-variable.ts';
import { findPackage, type FoundPackage } from '../provider/find-package.ts';
import { installCommand, providerPackage } from '../provider/known-providers.ts';
import { isModulePath, loadProvider } from '../provider/load-provider.ts';
import proxied from '../provider/proxied-subject.ts';
import { loadVendor } from '../provider/load-vendor.ts';
import type { Session } from '../session.ts';

/** For other processes, which run what is built. */
const proxiedSubject: string = fileURLToPath(
  new URL('../provider/proxied-subject.js', import.meta.url),
);

/** What `gantry conformance` was given. */
export interface ConformanceFlags {
  readonly profile?: readonly string[];
  readonly report?: string;
  readonly junit?: string;
  readonly html?: string;
  readonly badge?: string;
  readonly concurrency?: number;
  readonly timeoutScale?: number;
  readonly knownFailures?: string;
  readonly seed?: number;
  readonly egress?: boolean;
  readonly emulated?: boolean;
  readonly on?: string;
  readonly second?: string;
  readonly json?: boolean;
}

/** What `gantry conformance mutants` was given. */
export interface MutantFlags {
  readonly json?: boolean;
  readonly timeoutScale?: number;
}

/** `gantry conformance`: runs the suite, writes the reports. Returns 0 when every profile is conformant. */
export async function conformance(
  session: Session,
  provider: string,
  flags: ConformanceFlags,
): Promise<number> {
  const known =
    flags.knownFailures === undefined ? undefined : await knownFailures(flags.knownFailures);
  // Some vendors know whole minutes only: their packages say so, that nobody else need know.
  const timeoutScale = flags.timeoutScale ?? packageOf(provider)?.timeoutScale;
  const report = await guarded(async () => {
    using progress = new Progress(session.verbose);
    progress.phase('loading the provider');
    await using _emulator = await emulatorOf(provider, flags);
    const load = moduleOf(provider);
    // Of an emulated one, the emulator's sandboxes are behind the proxy.
    const beside = (flags.egress ?? false) && !_emulator;
    return await runConformance({
      subject: beside ? { load: proxiedSubject, options: { load } } : { load },
      ...(flags.second === undefined ? {} : { second: { load: moduleOf(flags.second) } }),
      ...(flags.profile === undefined ? {} : { profiles: flags.profile }),
      ...(flags.concurrency === undefined ? {} : { concurrency: flags.concurrency }),
      ...(timeoutScale === undefined ? {} : { timeoutScale }),
      ...(flags.seed === undefined ? {} : { seed: flags.seed }),
      ...(known === undefined ? {} : { knownFailures: known }),
      mode: flags.emulated || process.env[emulatedVariable] === provider ? 'emulated' : 'live',
      signal: session.interrupts.signal,
      onProgress: ({ kind, check, done, total }) => {
        if (kind === 'start') progress.phase(`${done} of ${total} checks: ${check}`);
      },
    });
  });
  await writeReports(report, flags);
  if (session.json) printJson(report);
  else print(summary(report));
  return report.conformant ? 0 : ANSWER_IS_NO;
}

/** An emulator of the provider's vendor, to which this process's environment and those it starts then lead. */
async function emulatorOf(
  provider: string,
  { emulated = false, on = 'local', egress = false }: ConformanceFlags,
): Promise<AsyncDisposable | undefined> {
  if (!emulated || isModulePath(provider)) return undefined;
  const { start, vendor } = await loadVendor(provider);
  const sandboxes = egress ? await proxied({ load: moduleOf(on) }) : await loadProvider(on);
  const emulator = await start(vendor, { provider: sandboxes });
  Object.assign(process.env, emulator.environment);
  return emulator;
}

/** `gantry conformance list`. */
export function listChecks(session: Session): void {
  const list = checks.map(({ id, level, title, spec }) => ({ id, level, title, spec }));
  if (session.json) printJson({ checks: list });
  else
    print(
      table(
        ['check', 'level', 'looks for'],
        list.map(({ id, level, title }) => [id, level, title]),
      ),
    );
}

/** `gantry conformance mutants`. Returns 0 when every mutant is killed. */
export async function killMutants(
  session: Session,
  provider: string,
  flags: MutantFlags,
): Promise<number> {
  const results = await guarded(async () => {
    using progress = new Progress(session.verbose);
    return await runMutants({
      subject: { load: moduleOf(provider) },
      ...(flags.timeoutScale === undefined ? {} : { timeoutScale: flags.timeoutScale }),
      signal: session.interrupts.signal,
      onProgress: (done, total, mutant) => progress.phase(`${done} of ${total} mutants: ${mutant}`),
    });
  });
  const survivors = results.filter(({ killed }) => !killed);
  if (session.json) {
    printJson({
      mutants: results.map(({ name, killed, killedBy }) => ({ name, killed, killedBy })),
    });
  } else {
    for (const { name, breaks, survived } of survivors) {
      print(printable(`survived: ${name} (${breaks}); not noticed by ${survived.join(', ')}\n`));
    }
    print(`${results.length - survivors.length} of ${results.length} mutants killed\n`);
  }
  return survivors.length === 0 ? 0 : ANSWER_IS_NO;
}

/** The installed package of a provider's name. */
function packageOf(name: string): FoundPackage | undefined {
  const isName = !isModulePath(name) && /^[a-z][a-z0-9-]*$/.test(name);
  return isName ? findPackage(providerPackage(name)) : undefined;
}

/** The file that another process loads too. */
function moduleOf(name: string): string {
  if (isModulePath(name)) return resolve(name);
  const found = packageOf(name);
  if (found) return found.entry;
  throw new CliError(`provider ${name} is not installed`, {
    code: 'not-found',
    hint: `Install it: ${installCommand(name)}, or give the path of a module: ./my-provider.mjs`,
  });
}

/** The suite throws plain errors for what is wrong with the call; they are said in one sentence. */
async function guarded<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof CliError) throw cause;
    throw new CliError(messageOf(cause), { code: 'failed-precondition', cause });
  }
}

async function knownFailures(
  file: string,
): Promise<NonNullable<ConformanceOptions['knownFailures']>> {
  try {
    const value: unknown = JSON.parse(await readFile(file, 'utf8'));
    const entries = typeof value === 'object' && value !== null ? Object.entries(value) : [];
    if (entries.length > 0 && entries.every(([, reason]) => typeof reason === 'string')) {
      return Object.fromEntries(entries.map(([id, reason]) => [id, String(reason)]));
    }
  } catch (cause) {
    throw new CliError(`known failures ${file}: ${messageOf(cause)}`, { cause });
  }
  throw new CliError(`known failures ${file}: expected a JSON object of check ids and reasons`);
}

async function writeReports(report: Report, flags: ConformanceFlags): Promise<void> {
  const json = (document: unknown): string => `${JSON.stringify(document, undefined, 2)}\n`;
  const files: readonly (readonly [string | undefined, () => string])[] = [
    [flags.report, () => json(report)],
    [flags.junit, () => toJUnit(report)],
    [flags.html, () => toHtml(report)],
    [flags.badge, () => json(toBadge(report))],
  ];
  for (const [file, text] of files) if (file !== undefined) await writeFile(file, text());
}

function summary(report: Report): string {
  const against = report.checks.filter(
    ({ status }) => status !== 'pass' && status !== 'unsupported',
  );
  const problems = against.map(({ id, status, message = '' }) =>
    printable(`${status}  ${id}\n    ${message}\n`),
  );
  const rows = Object.entries(report.profiles).map(
    ([name, { status, supported, checks: counts }]) => [
      name,
      supported ? status : `${status} (not declared)`,
      String(counts.pass),
      String(counts.fail + counts.untestable + counts.error),
      String(counts.unsupported),
    ],
  );
  const weaker = Object.values(report.weaker).map((text) => printable(`weaker: ${text}\n`));
  const { subject, mode, seed, ms } = report;
  const verdict = report.conformant ? 'conformant' : 'not conformant';
  return [
    ...problems,
    table(['profile', 'verdict', 'passed', 'failed', 'unsupported'], rows),
    ...weaker,
    printable(
      `${subject.name} (isolation ${subject.isolation}, ${mode}) is ${verdict}: ${report.checks.length} checks in ${(ms / 1_000).toFixed(1)} s, seed ${seed}\n`,
    ),
  ].join('');
}
