import { type RunEvent, textFact } from '../journal/run-event.ts';

/** A call of a scope that was recorded, or that was begun. */
export interface StepState {
  readonly ordinal: number;
  readonly name: string;
  readonly kind: string;
  readonly effects: 'workspace' | 'none';
  readonly attempt: number;
  readonly status: 'started' | 'recorded' | 'failed';
  /** The event that says so; its body holds the result. */
  readonly sequence: number;
  readonly inputs?: string;
}

/** A sandbox that was made, or was being made, and of which no end is known. */
export interface OpenSandbox {
  readonly lease: string;
  readonly provider: string;
  /** JSON of the ref, once it was made. */
  readonly ref?: string;
  readonly manifest?: string;
}

/** What the next event will be measured against: a snapshot that covers everything up to an event. */
export interface CheckpointState {
  readonly sequence: number;
  readonly snapshot: string;
  readonly tree: string;
}

/** The workspace that the branches of a fan-out begin with. */
export interface BranchBase {
  readonly snapshot: string;
  readonly tree: string;
}

/** The fan-out that a branch belongs to, from the branch's scope. */
function fanOutOf(scope: string): string {
  return scope.slice(0, scope.lastIndexOf('/'));
}

/** What the events of a run add up to. */
export interface RunState {
  /** By scope, then by ordinal; superseded calls are not in it. */
  readonly scopes: ReadonlyMap<string, ReadonlyMap<number, StepState>>;
  /** By scope. */
  readonly sandboxes: ReadonlyMap<string, OpenSandbox>;
  readonly checkpoint: CheckpointState | undefined;
  /** Whether the run's workspace may differ from its checkpoint. */
  readonly dirty: boolean;
  /** Plan digest of the workspace that the run began with. */
  readonly manifest: string | undefined;
  /** By ask: whether it was allowed; `undefined` while nobody has answered. */
  readonly answers: ReadonlyMap<string, boolean | undefined>;
  /** By scope and ordinal, as `SCOPE#ORDINAL`: how often a call was tried, rolled back or not. */
  readonly attempts: ReadonlyMap<string, number>;
  /** By branch: how often it was begun. */
  readonly branchAttempts: ReadonlyMap<string, number>;
  /** By branch: the event that recorded it; its body holds the result. */
  readonly branches: ReadonlyMap<string, number>;
  /** By fan-out: what its branches begin with. */
  readonly bases: ReadonlyMap<string, BranchBase>;
  /** Sequences of events that a rollback took back. */
  readonly superseded: ReadonlySet<number>;
  /** The last event. */
  readonly sequence: number;
}

/** The scope of the run itself. */
export const runScope = '';

/** Adds up a run's events, given in their order. */
export class RunStateBuilder implements RunState {
  readonly scopes: Map<string, Map<number, StepState>> = new Map();
  readonly sandboxes: Map<string, OpenSandbox> = new Map();
  checkpoint: CheckpointState | undefined;
  dirty = false;
  manifest: string | undefined;
  readonly answers: Map<string, boolean | undefined> = new Map();
  readonly attempts: Map<string, number> = new Map();
  readonly branchAttempts: Map<string, number> = new Map();
  readonly branches: Map<string, number> = new Map();
  readonly bases: Map<string, BranchBase> = new Map();
  readonly superseded: Set<number> = new Set();
  sequence = 0;
  /** Events of each scope since its last checkpoint or beginning that a rollback would take back. */
  readonly #open = new Map<string, number[]>();

  add(event: RunEvent): void {
    const scope = event.scope ?? runScope;
    this.sequence = event.sequence;
    if (event.type.startsWith('step.')) this.#step(scope, event);
    else if (event.type === 'checkpoint') this.#checkpoint(event);
    else if (event.type === 'rollback') this.#rollback(scope);
    else if (event.type === 'branch.started') this.#branch(scope, event);
    else if (event.type === 'branch.recorded') this.branches.set(scope, event.sequence);
    else if (event.type.startsWith('sandbox.')) this.#sandbox(scope, event);
    else if (event.type.startsWith('policy.')) this.#policy(event);
    else if (['command', 'file.change', 'tool.call'].includes(event.type)) this.#note(scope, event);
  }

  #step(scope: string, event: RunEvent): void {
    const { ordinal = 0, step = '', attempt = 1, sequence, inputs } = event;
    const steps = this.scopes.get(scope) ?? new Map<number, StepState>();
    this.scopes.set(scope, steps);
    this.attempts.set(`${scope}#${ordinal}`, attempt);
    const effects = event.facts?.['effects'] === 'none' ? 'none' : 'workspace';
    const kind = textFact(event, 'kind', 'step');
    const status =
      event.type === 'step.started'
        ? 'started'
        : event.type === 'step.recorded'
          ? 'recorded'
          : 'failed';
    steps.set(ordinal, {
      ordinal,
      name: step,
      kind,
      effects,
      attempt,
      status,
      sequence,
      ...(inputs === undefined ? {} : { inputs }),
    });
    if (effects === 'none') return;
    this.#note(scope, event);
    if (scope === runScope && kind !== 'artifact') this.dirty = true;
  }

  #note(scope: string, { sequence }: RunEvent): void {
    const open = this.#open.get(scope) ?? [];
    open.push(sequence);
    this.#open.set(scope, open);
  }

  #checkpoint({ sequence, snapshot = '', after = '' }: RunEvent): void {
    this.checkpoint = { sequence, snapshot, tree: after };
    this.dirty = false;
    this.#open.set(runScope, []);
  }

  #rollback(scope: string): void {
    for (const sequence of this.#open.get(scope) ?? []) this.superseded.add(sequence);
    this.#open.set(scope, []);
    const steps = this.scopes.get(scope) ?? new Map<number, StepState>();
    for (const [ordinal, { effects, sequence }] of steps) {
      const taken = effects === 'workspace' && this.superseded.has(sequence);
      if (taken) steps.delete(ordinal);
    }
    if (scope === runScope) this.dirty = false;
  }

  #branch(scope: string, { attempt = 1, snapshot, before }: RunEvent): void {
    this.branchAttempts.set(scope, attempt);
    if (snapshot !== undefined && before !== undefined)
      this.bases.set(fanOutOf(scope), { snapshot, tree: before });
    this.#rollback(scope);
  }

  #sandbox(scope: string, event: RunEvent): void {
    const { type, facts, manifest } = event;
    if (type === 'sandbox.destroyed') {
      this.sandboxes.delete(scope);
      return;
    }
    const ref = facts?.['ref'];
    this.sandboxes.set(scope, {
      lease: textFact(event, 'lease', ''),
      provider: textFact(event, 'provider', ''),
      ...(typeof ref === 'string' ? { ref } : {}),
      ...(manifest === undefined ? {} : { manifest }),
    });
    if (scope === runScope && manifest !== undefined) this.manifest ??= manifest;
  }

  #policy(event: RunEvent): void {
    const { type, facts } = event;
    const ask = textFact(event, 'ask', '');
    if (type === 'policy.asked') this.answers.set(ask, this.answers.get(ask));
    if (type === 'policy.answered') this.answers.set(ask, facts?.['allow'] === true);
  }
}
