import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { CheckReport, Progress, Report } from '@gantry/conformance';
import { SandboxError } from '@gantry/core';
import type {
  ConformanceRequest,
  ConformanceRun,
  ConformanceRunDetails,
  LiveCheck,
} from '../../protocol/conformance.ts';
import type { EventHub } from '../event-hub.ts';
import type { Providers } from '../providers/providers.ts';
import { suiteOrder } from './suite-order.ts';
import { SuiteProcess } from './suite-process.ts';

interface Entry {
  run: ConformanceRun;
  readonly checks: Map<string, LiveCheck>;
  process?: SuiteProcess;
  /** The result is being written down. */
  keeping?: Promise<void>;
}

/** Runs of the conformance suite: each in a process of its own, told check by check, its result kept. */
export class ConformanceRuns implements AsyncDisposable {
  readonly #directory: string;
  readonly #events: EventHub;
  readonly #providers: Providers;
  readonly #entries = new Map<string, Entry>();

  constructor(stateDirectory: string, events: EventHub, providers: Providers) {
    this.#directory = path.join(stateDirectory, 'conformance');
    this.#events = events;
    this.#providers = providers;
  }

  /** Reads what earlier servers kept. */
  async open(): Promise<void> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    const files = (await readdir(this.#directory)).filter((file) => file.endsWith('.run.json'));
    for (const file of files) {
      const text = await readFile(path.join(this.#directory, file), 'utf8');
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- this class wrote it, into a directory of the user's own
      const { checks, ...run } = JSON.parse(text) as ConformanceRunDetails;
      this.#entries.set(run.id, {
        run: run.state === 'running' ? { ...run, state: 'cancelled' } : run,
        checks: new Map(checks.map((check) => [check.id, check])),
      });
    }
  }

  /** The newest first. */
  list(): readonly ConformanceRun[] {
    const runs = [...this.#entries.values()].map(({ run }) => run);
    return runs.toSorted((a, b) => b.startedAt - a.startedAt);
  }

  details(id: string): ConformanceRunDetails {
    const { run, checks } = this.#entry(id);
    return { ...run, checks: [...checks.values()] };
  }

  /** The report of a run that has come to its end. */
  async report(id: string): Promise<Report> {
    const { run } = this.#entry(id);
    try {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as above
      return JSON.parse(await readFile(this.#file(id, 'report'), 'utf8')) as Report;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
      const message = `the conformance run is ${run.state} and has no report`;
      throw new SandboxError('failed-precondition', message);
    }
  }

  /** Begins one. A provider that cannot be used is refused before. */
  async start({ provider, profiles = [] }: ConformanceRequest): Promise<ConformanceRun> {
    const order = await suiteOrder(provider, profiles, this.#providers);
    const id = randomUUID();
    const entry: Entry = {
      run: {
        ...{ id, provider, profiles, state: 'running', startedAt: Date.now() },
        emulated: order.mode === 'emulated',
        ...{ ended: 0, total: 0 },
        counts: { pass: 0, fail: 0, untestable: 0, unsupported: 0, error: 0 },
      },
      checks: new Map(),
    };
    this.#entries.set(id, entry);
    await this.#changed(entry);
    const emulated = this.#providers.isEmulated(provider) ? { GANTRY_EMULATED: provider } : {};
    const environment = { ...this.#providers.environment(), ...emulated };
    entry.process = new SuiteProcess(order, environment, (message) => {
      if ('progress' in message) this.#progress(entry, message.progress);
      else entry.keeping = this.#end(entry, message);
    });
    return entry.run;
  }

  /** Stops what has not begun. Everything that the suite made is still cleaned up. */
  cancel(id: string): ConformanceRun {
    const entry = this.#entry(id);
    if (entry.run.state !== 'running') return entry.run;
    entry.run = { ...entry.run, state: 'cancelled' };
    entry.process?.stop();
    this.#events.publish({ type: 'conformance', run: entry.run });
    return entry.run;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const entries = [...this.#entries.values()];
    for (const { run } of entries) this.cancel(run.id);
    await Promise.all(entries.flatMap(({ process }) => process?.ended ?? []));
    await Promise.all(entries.flatMap(({ keeping }) => keeping ?? []));
  }

  #entry(id: string): Entry {
    const entry = this.#entries.get(id);
    if (entry) return entry;
    throw new SandboxError('not-found', `there is no conformance run ${id}`);
  }

  #file(id: string, what: 'run' | 'report'): string {
    return path.join(this.#directory, `${id}.${what}.json`);
  }

  #progress(entry: Entry, { check: id, done, total, result }: Progress): void {
    const check: LiveCheck = {
      ...{ id, profile: id.slice(0, id.indexOf('/')) },
      ...(result ? { result } : {}),
    };
    entry.checks.set(id, check);
    const { run } = entry;
    entry.run = { ...run, ended: done, total, counts: counted(run.counts, result) };
    this.#events.publish({ type: 'check', run: run.id, check, ended: done, total });
  }

  async #end(
    entry: Entry,
    ended: { readonly report: Report } | { readonly problem: string },
  ): Promise<void> {
    const endedAt = Date.now();
    const { run } = entry;
    delete entry.process;
    if ('problem' in ended) {
      const state = run.state === 'cancelled' ? 'cancelled' : 'failed';
      entry.run = { ...run, endedAt, state, problem: ended.problem };
    } else {
      // Known failures and checks that never began are in the report alone.
      const { report } = ended;
      const { conformant } = report;
      for (const result of report.checks) {
        const profile = result.id.slice(0, result.id.indexOf('/'));
        entry.checks.set(result.id, { id: result.id, profile, result });
      }
      entry.run = {
        ...{ ...run, endedAt, conformant, ended: report.checks.length },
        total: report.checks.length,
        counts: countOf(report.checks),
        state: run.state === 'cancelled' ? 'cancelled' : 'done',
      };
      await writeFile(this.#file(run.id, 'report'), `${JSON.stringify(report, undefined, 2)}\n`);
    }
    await this.#changed(entry);
  }

  async #changed(entry: Entry): Promise<void> {
    const { run } = entry;
    await writeFile(this.#file(run.id, 'run'), JSON.stringify(this.details(run.id)));
    this.#events.publish({ type: 'conformance', run: entry.run });
  }
}

type Counts = ConformanceRun['counts'];

function counted(counts: Counts, result: CheckReport | undefined): Counts {
  return result ? { ...counts, [result.status]: counts[result.status] + 1 } : counts;
}

function countOf(checks: readonly CheckReport[]): Counts {
  return checks.reduce(counted, { pass: 0, fail: 0, untestable: 0, unsupported: 0, error: 0 });
}
