import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { parseRef, SandboxError } from '@gantry/core';
import type { SandboxRef } from '@gantry/core';
import { createHarness, fileSigner, sqliteJournal } from '@gantry/core/harness';
import type { Harness, Journal } from '@gantry/core/harness';
import { hostProcess } from '@gantry/core/node';
import type { RunEventView } from '../../protocol/provenance.ts';
import type { AnswerRequest, RunSettings, RunSummary, RunView } from '../../protocol/runs.ts';
import type { EventHub } from '../event-hub.ts';
import type { Snapshots } from '../snapshots/snapshots.ts';
import { findHarness, lastWords, startHarness } from './run-process.ts';
import { providersOf } from './run-providers.ts';
import {
  chooseDocuments,
  readRecord,
  runDirectory,
  runPlaces,
  shownDocument,
  writeRecord,
} from './run-record.ts';
import type { RunPlaces, RunRecord } from './run-record.ts';
import { RunResults } from './run-results.ts';
import { RunWatcher, shownEvent } from './run-watcher.ts';

/** How long a killed process may take to be gone. */
const killMs = 10_000;

/** Begins runs, each in a process of its own, and reads what they leave in the journal. */
export class Runs implements AsyncDisposable {
  readonly harness: Harness;
  readonly places: RunPlaces;
  readonly results: RunResults;
  readonly #state: string;
  readonly #journal: Journal;
  readonly #watcher: RunWatcher;
  readonly #children = new Map<string, ChildProcess>();

  private constructor(
    state: string,
    harness: Harness,
    journal: Journal,
    events: EventHub,
    snapshots: Snapshots,
  ) {
    this.#state = state;
    this.#journal = journal;
    this.#watcher = new RunWatcher({
      ...{ journal, events, snapshots },
      isDriven: (run) => this.#isDriven(run),
      summary: async (run) => this.#summary(await this.record(run)),
    });
    this.harness = harness;
    this.places = runPlaces(state);
    this.results = new RunResults(harness);
  }

  /** Opens the runs of a state directory. Dispose them. */
  static async open(state: string, events: EventHub, snapshots: Snapshots): Promise<Runs> {
    const places = runPlaces(state);
    const journal = sqliteJournal(places.journal);
    const harness = createHarness({
      journal,
      signer: await fileSigner(places.signing),
      store: snapshots.store,
      actor: 'demo',
    });
    const runs = new Runs(state, harness, journal, events, snapshots);
    for await (const { run, status } of journal.list()) {
      if (await readRecord(places, run))
        // A record that cannot be read is told of where it is opened; the others are still there.
        await runs.#watcher
          .nameCheckpoints(run, harness.events(run))
          .catch((error: unknown) => console.error(`the record of run ${run}:`, error));
      if (status === 'running') runs.#watcher.watch(run);
    }
    return runs;
  }

  /** Begins a run and tells its id. */
  async start(settings: RunSettings): Promise<{ readonly id: string }> {
    const documents = await chooseDocuments(this.places, settings.only);
    if (documents.length === 0) {
      throw new SandboxError('invalid-argument', `no document has "${settings.only}" in its name`, {
        operation: 'runs.start',
      });
    }
    const id = `records-${randomBytes(4).toString('hex')}`;
    const record = {
      spec: 'gantry-demo-run/1' as const,
      ...{ id, createdAt: Date.now(), request: settings, documents: [...documents] },
    };
    await writeRecord(this.places, record);
    await this.#drive(id);
    return { id };
  }

  /** Goes on with a run that was interrupted, waits or has failed. */
  async resume(id: string): Promise<void> {
    await this.record(id);
    if (await this.#isDriven(id)) {
      throw new SandboxError('failed-precondition', `run ${id} is being driven already`, {
        operation: 'runs.resume',
      });
    }
    await this.#drive(id);
  }

  /** Ends the process that drives a run, with no chance to clean up. What it recorded is all that is left of it. */
  async killHarness(id: string): Promise<{ readonly pid: number }> {
    await this.record(id);
    const started = this.#children.get(id)?.pid;
    const found =
      (await findHarness(this.places, id)) ??
      (started === undefined ? undefined : hostProcess.identifyProcess(started));
    if (!found) {
      throw new SandboxError('failed-precondition', `no process drives run ${id}; resume it`, {
        operation: 'runs.kill',
      });
    }
    await hostProcess.killProcess(found, killMs);
    return { pid: found.pid };
  }

  /** Destroys a sandbox under a run, as the crash of its machine would: the run is not told. */
  async killSandbox(id: string, scope: string | undefined): Promise<{ readonly sandbox: string }> {
    const { request } = await this.record(id);
    const ref = await this.#liveSandbox(id, scope);
    if (!ref) {
      const whose = scope === undefined ? `run ${id}` : `branch ${scope} of run ${id}`;
      throw new SandboxError('failed-precondition', `${whose} has no sandbox at the moment`, {
        operation: 'runs.kill',
      });
    }
    await providersOf(request.providers)[ref.provider]?.destroy(ref);
    return { sandbox: `${ref.provider}/${ref.id}` };
  }

  /** Answers what a run asks, and goes on with it. */
  async answer(id: string, { ask, allow, note }: AnswerRequest): Promise<void> {
    await this.record(id);
    const said = { allow, by: 'user:demo', ...(note === undefined ? {} : { note }) };
    await this.harness.approve(id, ask, said);
    await this.#drive(id);
  }

  /** Every run that this server began, the newest first. */
  async list(): Promise<readonly RunSummary[]> {
    const summaries: RunSummary[] = [];
    for await (const { run } of this.#journal.list()) {
      const record = await readRecord(this.places, run);
      if (record) summaries.push(await this.#summary(record));
    }
    return summaries;
  }

  async view(id: string): Promise<RunView> {
    const record = await this.record(id);
    const summary = await this.#summary(record);
    const found = await findHarness(this.places, id);
    const { holdSeconds, concurrency, approval, agent } = record.request;
    const words = await lastWords(this.places, id);
    const trouble = summary.state === 'failed' ? words : undefined;
    const waits = summary.state === 'waiting';
    return {
      ...summary,
      ...{ holdSeconds, concurrency, approval, agent },
      harness: {
        alive: await this.#isDriven(id),
        ...(found ? { pid: found.pid } : {}),
      },
      list: record.documents.map(shownDocument),
      results: summary.events === 0 ? [] : await this.results.list(record),
      asks: waits ? await this.harness.asks(id) : [],
      ...(trouble === undefined ? {} : { trouble }),
      ...(agent && words !== undefined ? { agentSaid: words } : {}),
      ...(summary.state === 'finished' && (await this.results.released(id))
        ? { released: `${runDirectory(this.places, id)}/released` }
        : {}),
    };
  }

  /** The run's events after a sequence, each with whether a rollback took it back. */
  async events(id: string, after = 0): Promise<readonly RunEventView[]> {
    if (!(await this.#journal.find(id))) return [];
    const events: RunEventView[] = [];
    for await (const event of this.harness.events(id)) {
      if (event.sequence > after) events.push(shownEvent(event));
    }
    return events;
  }

  /** What this server knows of a run. `not-found` for any other. */
  async record(id: string): Promise<RunRecord> {
    const record = await readRecord(this.places, id);
    if (record) return record;
    throw new SandboxError('not-found', `there is no run ${id}`, { operation: 'runs' });
  }

  /** Lets go of everything. Runs go on in their own processes; the next server finds them again. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#watcher.close();
    await this.#journal.close();
  }

  async #drive(id: string): Promise<void> {
    const child = await startHarness(this.#state, this.places, id);
    this.#children.set(id, child);
    child.once('exit', () => {
      if (this.#children.get(id) === child) this.#children.delete(id);
    });
    await this.#watcher.tell(id);
    this.#watcher.watch(id);
  }

  /** Whether a process drives it: also one that has only just been started, and has not said its name yet. */
  async #isDriven(id: string): Promise<boolean> {
    return this.#children.has(id) || (await findHarness(this.places, id)) !== undefined;
  }

  async #summary({ id, createdAt, request, documents }: RunRecord): Promise<RunSummary> {
    const found = await this.#journal.find(id);
    const alive = await this.#isDriven(id);
    const states = {
      running: alive ? 'running' : 'interrupted',
      suspended: alive ? 'running' : 'waiting',
      failed: alive ? 'running' : 'failed',
      finished: 'finished',
      erased: 'erased',
    } as const;
    const unbegun = alive ? 'starting' : 'failed';
    return {
      id,
      job: 'clinical-records',
      state: found ? states[found.status] : unbegun,
      startedAt: createdAt,
      events: found?.head.size ?? 0,
      providers: request.providers,
      documents: documents.length,
      documentsDone: found ? (await this.results.recorded(id)).size : 0,
    };
  }

  async #liveSandbox(id: string, scope: string | undefined): Promise<SandboxRef | undefined> {
    let live: SandboxRef | undefined;
    for await (const event of this.harness.events(id)) {
      if (event.scope !== scope) continue;
      const ref = event.facts?.['ref'];
      if (event.type === 'sandbox.created' || event.type === 'sandbox.attached')
        live = parseRef(ref);
      if (event.type === 'sandbox.destroyed') live = undefined;
    }
    return live;
  }
}
