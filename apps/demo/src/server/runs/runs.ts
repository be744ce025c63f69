import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { parseRef, SandboxError } from '@gantry/core';
import type { SandboxRef } from '@gantry/core';
import { createHarness, fileSigner, sqliteJournal } from '@gantry/core/harness';
import type { Harness, Journal, ShownEvent } from '@gantry/core/harness';
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

/** How often a running run's journal is read. */
const lookMs = 150;
/** How long a killed process may take to be gone. */
const killMs = 10_000;

/** Begins runs, each in a process of its own, and reads what they leave in the journal. */
export class Runs implements AsyncDisposable {
  readonly harness: Harness;
  readonly places: RunPlaces;
  readonly results: RunResults;
  readonly #state: string;
  readonly #journal: Journal;
  readonly #events: EventHub;
  readonly #snapshots: Snapshots;
  readonly #children = new Map<string, ChildProcess>();
  readonly #watched = new Set<string>();
  readonly #closing = new AbortController();

  private constructor(
    state: string,
    harness: Harness,
    journal: Journal,
    events: EventHub,
    snapshots: Snapshots,
  ) {
    this.#state = state;
    this.#journal = journal;
    this.#events = events;
    this.#snapshots = snapshots;
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
      if (status === 'running') runs.#watchOn(run);
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
    const trouble = summary.state === 'failed' ? await lastWords(this.places, id) : undefined;
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
      if (event.sequence > after) events.push(shown(event));
    }
    return events;
  }

  /** What this server knows of a run. `not-found` for any other. */
  async record(id: string): Promise<RunRecord> {
    const record = await readRecord(this.places, id);
    if (record) return record;
    throw new SandboxError('not-found', `there is no run ${id}`, { operation: 'runs' });
  }

  /** Lets go of everything; the runs that this server drives are asked to end, and can be gone on with. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    const children = [...this.#children.values()];
    const ended = children.map((child) => new Promise((resolve) => child.once('exit', resolve)));
    for (const child of children) child.kill('SIGTERM');
    await Promise.race([Promise.all(ended), delay(killMs)]);
    await this.#journal.close();
  }

  async #drive(id: string): Promise<void> {
    const child = await startHarness(this.#state, this.places, id);
    this.#children.set(id, child);
    child.once('exit', () => {
      if (this.#children.get(id) === child) this.#children.delete(id);
    });
    this.#events.publish({ type: 'run', run: await this.#summary(await this.record(id)) });
    this.#watchOn(id);
  }

  /** Whether a process drives it: also one that has only just been started, and has not said its name yet. */
  async #isDriven(id: string): Promise<boolean> {
    return this.#children.has(id) || (await findHarness(this.places, id)) !== undefined;
  }

  #watchOn(id: string): void {
    this.#watch(id).catch((error: unknown) => console.error(`run ${id} cannot be watched:`, error));
  }

  async #tell(id: string, text: string): Promise<void> {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- our own journal's text; pages show it and trust none of it
    const event = shown({ ...(JSON.parse(text) as ShownEvent), superseded: false });
    this.#events.publish({ type: 'journal', run: id, event });
    const { type, snapshot, sequence, sandbox = '' } = event;
    if (type !== 'checkpoint' || snapshot === undefined) return;
    const name = `${id}, checkpoint at event ${sequence}`;
    const facts = { name, sandbox, sandboxName: `workspace of ${id}`, emulated: false };
    await this.#snapshots.add(await this.#snapshots.read(snapshot), facts);
  }

  /** Tells each event of a run once, until no process drives it any more. */
  async #watch(id: string): Promise<void> {
    if (this.#watched.has(id)) return;
    this.#watched.add(id);
    try {
      for (let last = (await this.#journal.find(id))?.head.size ?? 0; ;) {
        // First whether it is there: what it wrote last is then read as well.
        const alive = await this.#isDriven(id);
        if (this.#closing.signal.aborted) return;
        if (await this.#journal.find(id)) {
          for await (const { text, sequence } of this.#journal.read(id, { after: last })) {
            last = sequence;
            await this.#tell(id, text);
          }
        }
        if (!alive) break;
        await delay(lookMs);
      }
    } finally {
      this.#watched.delete(id);
    }
    this.#events.publish({ type: 'run', run: await this.#summary(await this.record(id)) });
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

function shown(event: ShownEvent): RunEventView {
  const { spec: _spec, ordinal: _ordinal, ...rest } = event;
  return rest;
}
