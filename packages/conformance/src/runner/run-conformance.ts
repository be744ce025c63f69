import { createHash, randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import os from 'node:os';
import type { Capabilities, Provider, Traits } from '@gantry/core';
import type { Check, Needs } from '../check.ts';
import { checks as wholeSuite } from '../checks/index.ts';
import { loadSubject, type LoadedSubject, type Subject } from '../subject/load-subject.ts';
import { secondProvider } from '../subject/second-provider.ts';
import { judgeProfiles } from './judge-profile.ts';
import { checkKnownFailures, withKnownFailure, type KnownFailures } from './known-failures.ts';
import type { CheckReport, Report } from './report.ts';
import { runCheck } from './run-check.ts';
import { RunState } from './run-state.ts';
import { selectChecks, twinOf, type Selection } from './select-checks.ts';
import { timeLimits, within } from './time-limits.ts';

/** What happens while a suite runs. */
export interface Progress {
  readonly kind: 'start' | 'end';
  readonly check: string;
  /** Checks that have ended, and all that there are. */
  readonly done: number;
  readonly total: number;
  /** Of an `end`. */
  readonly result?: CheckReport;
}

/** How a suite is run. */
export interface ConformanceOptions extends Selection {
  readonly subject: Subject;
  /**
   * The provider that `portability` moves workspaces to, and back from. Default: the subject itself by commands alone, without
   * its own ways to read, write and compare a workspace.
   */
  readonly second?: Subject;
  /** Default: the whole suite of this package. */
  readonly checks?: readonly Check[];
  /** Checks at a time, default 4. */
  readonly concurrency?: number;
  /** Multiplies every limit of time, default 1. */
  readonly timeoutScale?: number;
  readonly knownFailures?: KnownFailures;
  /** Default: drawn, and in the report. */
  readonly seed?: number;
  /** `emulated`: the subject talks to an emulator of its vendor. Default `live`. */
  readonly mode?: 'live' | 'emulated';
  /** Holds the subject to an isolation that it does not claim: how weakened subjects are shown to fail. */
  readonly assumeIsolation?: Traits['isolation'];
  readonly onProgress?: (progress: Progress) => void;
  /** Stops the run: what has not started is `untestable`; everything is still cleaned up. */
  readonly signal?: AbortSignal;
}

/**
 * Runs the suite over a provider and reports. Everything that it made is destroyed, also when it is
 * stopped. Rejects only for what is wrong with the call: no such check, a module that is no provider.
 */
export async function runConformance(options: ConformanceOptions): Promise<Report> {
  const { checks: suite = wholeSuite, concurrency = 4, timeoutScale = 1 } = options;
  if (!(concurrency >= 1)) throw new Error('concurrency must be 1 or more');
  if (!(timeoutScale > 0)) throw new Error('timeoutScale must be above 0');
  const { checks: selected, filtered } = selectChecks(suite, options);
  checkKnownFailures(options.knownFailures ?? {}, suite);
  const subject = await loadSubject(options.subject);
  const startedAt = new Date();
  const seed = options.seed ?? randomInt(2 ** 31);
  const capabilities = await capabilitiesHere(subject.provider, timeLimits(timeoutScale).check);
  const second = await secondProvider(subject.provider, options.second);
  const state = new RunState(subject, second, capabilities, seed, timeoutScale);
  const run = new SuiteRun(selected, state, options);
  const results = await run.all(concurrency);
  const profiles = judgeProfiles(results, filtered);
  return {
    spec: 'gantry-conformance-report/1',
    suite: { name: '@gantry/conformance', version: ownVersion(), requirements: digest(suite) },
    subject: {
      name: state.provider.id,
      ...versionOf(subject),
      isolation: capabilities.traits.isolation,
    },
    second: second.name,
    mode: options.mode ?? 'live',
    environment: {
      node: process.versions.node,
      os: `${os.type()} ${os.release()}`,
      arch: process.arch,
    },
    capabilities,
    seed,
    runId: state.runId,
    startedAt: startedAt.toISOString(),
    ms: Date.now() - startedAt.getTime(),
    concurrency,
    timeoutScale,
    filtered,
    conformant: Object.values(profiles).every(({ status }) => status === 'conformant'),
    profiles,
    checks: results,
    weaker: Object.fromEntries(state.weaker),
  };
}

class SuiteRun {
  readonly #checks: readonly Check[];
  readonly #state: RunState;
  readonly #options: ConformanceOptions;
  readonly #claims: Traits;
  readonly #signal: AbortSignal;
  readonly #twins = new Map<string, Promise<CheckReport>>();
  #done = 0;

  constructor(checks: readonly Check[], state: RunState, options: ConformanceOptions) {
    this.#checks = checks;
    this.#state = state;
    this.#options = options;
    const { traits } = state.capabilities;
    const isolation = options.assumeIsolation ?? traits.isolation;
    this.#claims = { ...traits, isolation };
    this.#signal = options.signal ?? new AbortController().signal;
  }

  /** All results, in the suite's order. */
  async all(concurrency: number): Promise<CheckReport[]> {
    const results = new Map<string, CheckReport>();
    const queue = this.#checks.filter(({ phase }) => !phase);
    const worker = async (): Promise<void> => {
      for (let next = queue.shift(); next; next = queue.shift()) {
        results.set(next.id, await this.#report(next));
      }
    };
    await Promise.all(Array.from({ length: concurrency }, worker));
    await this.#state.destroyOf('shared');
    await this.#state.dispose();
    for (const check of this.#checks.filter(({ phase }) => phase)) {
      results.set(check.id, await this.#report(check));
    }
    return this.#checks.flatMap(({ id }) => results.get(id) ?? []);
  }

  async #report(check: Check): Promise<CheckReport> {
    const { onProgress, knownFailures = {} } = this.#options;
    const total = this.#checks.length;
    onProgress?.({ kind: 'start', check: check.id, done: this.#done, total });
    const result = withKnownFailure(await this.#result(check), knownFailures);
    this.#done++;
    onProgress?.({ kind: 'end', check: check.id, done: this.#done, total, result });
    return result;
  }

  async #result(check: Check): Promise<CheckReport> {
    const { id, level, title, spec } = check;
    const nothing = { id, level, title, spec, assertions: 0, ms: 0 };
    if (this.#signal.aborted && !check.phase) {
      return { ...nothing, status: 'untestable', message: 'the run was stopped before this check' };
    }
    if (check.twin) return this.#twin(check);
    const missing = this.#missing(check);
    if (missing === undefined) {
      return runCheck(check, this.#state, this.#claims, this.#signal);
    }
    const twin = twinOf(check, this.#checks);
    if (!twin) return { ...nothing, status: 'error', message: `no twin proves that ${missing}` };
    const proof = await this.#twin(twin);
    if (proof.status === 'pass') return { ...nothing, status: 'unsupported', message: missing };
    return {
      ...nothing,
      status: 'fail',
      message: `${missing}, but ${twin.id} did not prove it: ${proof.message ?? ''}`,
    };
  }

  #twin(check: Check): Promise<CheckReport> {
    const running =
      this.#twins.get(check.id) ?? runCheck(check, this.#state, this.#claims, this.#signal);
    this.#twins.set(check.id, running);
    return running;
  }

  /** What the subject does not declare of what a check needs. */
  #missing(check: Check): string | undefined {
    const { capability, isolation, network, secrets } = check.needs ?? {};
    if (network !== undefined && !declaresNetwork(this.#state.capabilities, network))
      return `the subject does not declare ${network === 'allow-list' ? 'network mode allow-list' : `network.${network}`}`;
    if (secrets !== undefined && !this.#state.capabilities.secrets?.inject.includes(secrets))
      return `the subject does not declare secrets.inject ${secrets}`;
    if (isolation && this.#claims.isolation === 'none') return 'the subject claims no isolation';
    if (capability === undefined) return undefined;
    const declared = this.#state.capabilities[capability] !== undefined;
    return declared ? undefined : `the subject does not declare ${capability}`;
  }
}

function declaresNetwork({ network }: Capabilities, part: NonNullable<Needs['network']>): boolean {
  // Each of the others is about an allow-list.
  if (!network?.modes.includes('allow-list')) return false;
  return part === 'allow-list' || network[part] === true;
}

/** What the subject can do here. Where that cannot be asked, what it declares: `core/capabilities-json` then fails. */
async function capabilitiesHere(provider: Provider, limitMs: number): Promise<Capabilities> {
  const asked = provider.probe().catch(() => provider.capabilities);
  const late = new Error('unanswered');
  return within(limitMs, asked, () => late).catch(() => provider.capabilities);
}

function digest(suite: readonly Check[]): string {
  const lines = suite.map(({ id, level, spec }) => `${id} ${level} ${spec}`).toSorted();
  return createHash('sha256').update(lines.join('\n')).digest('hex');
}

function ownVersion(): string {
  const url = new URL('../../package.json', import.meta.url);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- our own package.json
  return (JSON.parse(readFileSync(url, 'utf8')) as { version: string }).version;
}

function versionOf(subject: LoadedSubject): { version?: string } {
  const { provider } = subject;
  return 'version' in provider && typeof provider.version === 'string'
    ? { version: provider.version }
    : {};
}
