import type { RunEventView } from '../../../../src/protocol/provenance.ts';

/** One step of a branch or of the run itself. Times are milliseconds since the Unix epoch. */
interface StepSpan {
  readonly name: string;
  readonly startedAt: number;
  endedAt?: number;
  superseded: boolean;
}

/** One try of a branch, in a sandbox of its own. */
export interface Attempt {
  readonly attempt: number;
  readonly epoch: number;
  readonly startedAt: number;
  readyAt?: number;
  sandbox?: string;
  readonly steps: StepSpan[];
  endedAt?: number;
  /** `lost`: its sandbox ended under it. `interrupted`: the process that drove the run did. */
  outcome: 'live' | 'recorded' | 'lost' | 'interrupted' | 'failed';
}

/** All tries of one branch. */
export interface Lane {
  readonly scope: string;
  readonly wave: string;
  readonly index: number;
  readonly attempts: Attempt[];
}

/** One sandbox that held the run's own workspace. */
interface Stay {
  readonly sandbox: string;
  readonly how: 'fresh' | 'rehydrated' | 'reattached';
  readonly startedAt: number;
  readonly tree?: string;
  readonly snapshot?: string;
  endedAt?: number;
  /** It ended under the run. */
  lost: boolean;
}

/** One process that drove the run. */
export interface Driver {
  readonly epoch: number;
  readonly startedAt: number;
  endedAt?: number;
  /** How it ended: its work was done, it waited for an answer, or it was gone. */
  ended?: 'done' | 'waiting' | 'killed';
}

/** A point that the run can go back to. */
interface Checkpoint {
  readonly at: number;
  readonly sequence: number;
  readonly snapshot: string;
  readonly tree: string;
}

/** What a run's events add up to. */
export interface RunTimeline {
  readonly startedAt: number;
  /** Of the last event. */
  readonly lastAt: number;
  readonly drivers: readonly Driver[];
  readonly lanes: ReadonlyMap<string, Lane>;
  readonly stays: readonly Stay[];
  readonly steps: readonly StepSpan[];
  readonly checkpoints: readonly Checkpoint[];
  /** Times in which nobody drove the run. */
  readonly gaps: readonly { readonly from: number; readonly to: number }[];
}

/** Adds up a run's events. `alive`: whether a process drives it now. */
export function readTimeline(events: readonly RunEventView[], alive: boolean): RunTimeline {
  const reader = new TimelineReader();
  for (const event of events) reader.add(event);
  return reader.finish(alive);
}

class TimelineReader {
  readonly #drivers: Driver[] = [];
  readonly #lanes = new Map<string, Lane>();
  readonly #stays: Stay[] = [];
  readonly #steps: StepSpan[] = [];
  readonly #checkpoints: Checkpoint[] = [];
  readonly #gaps: { from: number; to: number }[] = [];
  #first = 0;
  #last = 0;

  add(event: RunEventView): void {
    const { type, time, scope } = event;
    if (this.#first === 0) this.#first = time;
    if (type === 'run.claimed') this.#claimed(event);
    if (type === 'run.suspended' || type === 'run.finished' || type === 'run.failed')
      this.#ended(event);
    if (type === 'checkpoint') this.#checkpoint(event);
    if (scope === undefined) this.#addToRun(event);
    else this.#addToBranch(event, scope);
    this.#last = time;
  }

  finish(alive: boolean): RunTimeline {
    const driver = this.#drivers.at(-1);
    if (driver && driver.endedAt === undefined && !alive) this.#killed(driver);
    return {
      startedAt: this.#first,
      lastAt: this.#last,
      drivers: this.#drivers,
      lanes: this.#lanes,
      stays: this.#stays,
      steps: this.#steps,
      checkpoints: this.#checkpoints,
      gaps: this.#gaps,
    };
  }

  #claimed({ time, epoch }: RunEventView): void {
    const before = this.#drivers.at(-1);
    if (before && before.endedAt === undefined) this.#killed(before);
    if (before) this.#gaps.push({ from: before.endedAt ?? this.#last, to: time });
    this.#drivers.push({ epoch, startedAt: time });
  }

  #killed(driver: Driver): void {
    driver.endedAt = this.#last;
    driver.ended = 'killed';
    for (const { attempts } of this.#lanes.values()) {
      const attempt = attempts.at(-1);
      if (attempt?.outcome !== 'live') continue;
      attempt.outcome = 'interrupted';
      attempt.endedAt = this.#last;
    }
  }

  #ended({ type, time }: RunEventView): void {
    const driver = this.#drivers.at(-1);
    if (!driver || driver.endedAt !== undefined) return;
    driver.endedAt = time;
    driver.ended = type === 'run.suspended' ? 'waiting' : 'done';
    for (const step of this.#steps) step.endedAt ??= time;
  }

  #checkpoint({ time, sequence, snapshot = '', after = '' }: RunEventView): void {
    this.#checkpoints.push({ at: time, sequence, snapshot, tree: after });
  }

  #addToRun(event: RunEventView): void {
    const { type, time, sandbox = '', snapshot, after, facts } = event;
    const stay = this.#stays.findLast(({ endedAt }) => endedAt === undefined);
    if (type === 'sandbox.created' || type === 'sandbox.attached') {
      if (stay) stay.endedAt = time;
      const made = snapshot === undefined ? 'fresh' : 'rehydrated';
      this.#stays.push({
        sandbox: sandbox || (stay?.sandbox ?? ''),
        how: type === 'sandbox.attached' ? 'reattached' : made,
        startedAt: time,
        lost: false,
        ...(snapshot === undefined ? {} : { snapshot }),
        ...(after === undefined ? {} : { tree: after }),
      });
    }
    if (type === 'sandbox.destroyed' && stay) {
      stay.endedAt = time;
      stay.lost = !/waits for|has finished/.test(reasonOf(facts));
    }
    addStep(this.#steps, event);
  }

  #addToBranch(event: RunEventView, scope: string): void {
    const { type, time, attempt = 1, epoch, sandbox } = event;
    const lane = this.#lane(scope);
    if (type === 'branch.started') {
      const before = lane.attempts.at(-1);
      if (before?.outcome === 'live') lose(before, time);
      lane.attempts.push({ attempt, epoch, startedAt: time, steps: [], outcome: 'live' });
      return;
    }
    const current = lane.attempts.at(-1);
    if (!current) return;
    if (type === 'sandbox.created') {
      current.readyAt = time;
      if (sandbox !== undefined) current.sandbox = sandbox;
    }
    if (type === 'branch.recorded') end(current, 'recorded', time);
    if (type === 'branch.failed') end(current, 'failed', time);
    if (type === 'sandbox.destroyed' && current.outcome === 'live') lose(current, time);
    addStep(current.steps, event);
  }

  #lane(scope: string): Lane {
    const known = this.#lanes.get(scope);
    if (known) return known;
    const [, wave = scope, index = '0'] = /^\d+:(.+)\/(\d+)$/.exec(scope) ?? [];
    const lane = { scope, wave, index: Number(index), attempts: [] };
    this.#lanes.set(scope, lane);
    return lane;
  }
}

/** Why something was done, where an event says it. */
export function reasonOf(facts: RunEventView['facts']): string {
  const reason = facts?.['reason'];
  return typeof reason === 'string' ? reason : '';
}

function addStep(steps: StepSpan[], event: RunEventView): void {
  const { type, step, time, superseded, facts } = event;
  // A fan-out is shown by its branches.
  if (step === undefined || facts?.['kind'] === 'fan-out') return;
  if (type === 'step.started') {
    const before = steps.at(-1);
    if (before) before.endedAt ??= time;
    steps.push({ name: step, startedAt: time, superseded });
  }
  if (type !== 'step.recorded' && type !== 'step.failed') return;
  const open = steps.findLast(({ name, endedAt }) => name === step && endedAt === undefined);
  if (open) open.endedAt = time;
}

function lose(attempt: Attempt, at: number): void {
  end(attempt, 'lost', at);
}

function end(attempt: Attempt, outcome: Attempt['outcome'], at: number): void {
  attempt.outcome = outcome;
  attempt.endedAt = at;
  for (const step of attempt.steps) step.endedAt ??= at;
}
