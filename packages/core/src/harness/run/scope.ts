import { AsyncLocalStorage } from 'node:async_hooks';
import { createHash } from 'node:crypto';
import { SandboxError } from '../../errors/sandbox-error.ts';
import type { EventFacts, Json } from '../journal/run-event.ts';
import { callSpan, toolSpan } from '../telemetry/spans.ts';
import { asJson } from './json-value.ts';
import type { Pass } from './pass.ts';
import type { StepState } from './run-state.ts';
import type { ResultSchema, StepContext, StepOptions } from './run-types.ts';
import { errorJson, errorOf } from './step-error.ts';
import { checkedResult, describe, valueOf } from './step-result.ts';

/** One call of a scope that is recorded. */
export interface Call<Value> {
  readonly name: string;
  readonly kind: 'step' | 'decision' | 'artifact' | 'fan-out' | 'adopt' | 'merge';
  readonly effects: 'workspace' | 'none';
  readonly inputs?: Json;
  readonly schema?: ResultSchema<Value> | undefined;
  readonly attempts?: number | undefined;
  readonly work: (context: StepContext) => Value | Promise<Value>;
}

/** What a scope asks of its workspace around a call that may change it. */
export interface ScopeHooks {
  /** Whether an error means that the workspace is no longer what it was. */
  isLost(error?: unknown): Promise<boolean>;
  /** What to throw once it is lost. */
  lost(reason: string): unknown;
  /** After such a call was recorded. */
  recorded(): Promise<void>;
  /** Whether the workspace can outlive the process. Where it cannot, what was done to it need not be on disk at once. */
  readonly outlives: boolean;
  /** Whether `recorded` will find out by itself that the workspace is gone. */
  willCheck(): boolean;
}

/** What stands between a run's code and the tools that it calls. */
export interface ToolGuard {
  /** Allows, refuses, or suspends the run until someone has answered. */
  check(
    operation: string,
    subject: { readonly kind: 'tool'; readonly subject: string },
  ): Promise<unknown>;
}

/** The call that code runs in, wherever it is called from. */
export interface Frame {
  readonly scope: string;
  readonly step: string;
  /** `SCOPE#ORDINAL`: the same each time the run's function gets here. */
  readonly place: string;
}

type Tried = { readonly value: Json | undefined } | { readonly error: unknown };

const frames = new AsyncLocalStorage<Frame | undefined>();

/** The call that the caller is in. */
export function currentFrame(): Frame | undefined {
  return frames.getStore();
}

/** Runs code as if it were in no call: a branch of a fan-out has calls of its own. */
export function outsideCalls<Result>(work: () => Result): Result {
  return frames.run(undefined, work);
}

/** The recorded calls of a run or of one of its branches, each known by its place in their order. */
export class Scope {
  readonly id: string;
  readonly #pass: Pass;
  readonly #hooks: ScopeHooks;
  readonly #guard: ToolGuard;
  #next = 0;
  #waiting = 0;
  /** Calls that may change the workspace run one at a time. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(id: string, pass: Pass, hooks: ScopeHooks, guard: ToolGuard) {
    this.id = id;
    this.#guard = guard;
    this.#pass = pass;
    this.#hooks = hooks;
  }

  /** How much runs alone or waits to. */
  get waiting(): number {
    return this.#waiting;
  }

  /** How many calls there were. */
  get calls(): number {
    return this.#next;
  }

  step<Value>(
    name: string,
    work: Call<Value>['work'],
    options: StepOptions<Value> = {},
  ): Promise<Value> {
    const { effects = 'workspace', schema, attempts } = options;
    return this.call({ name, kind: 'step', effects, schema, attempts, work });
  }

  async decide<Value>(
    name: string,
    inputs: unknown,
    choose: Call<Value>['work'],
    options: Pick<StepOptions<Value>, 'schema'> = {},
  ): Promise<Value> {
    const given = asJson(inputs, `the inputs of decision ${name}`);
    const { schema } = options;
    return this.call({
      name,
      kind: 'decision',
      effects: 'none',
      inputs: given,
      schema,
      work: choose,
    });
  }

  /** Waits until no call that may change the workspace runs, and keeps others from starting meanwhile. */
  alone<Result>(work: () => Promise<Result>): Promise<Result> {
    this.#waiting += 1;
    const turn = this.#turn.then(work, work).finally(() => {
      this.#waiting -= 1;
    });
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  async call<Value>(call: Call<Value>): Promise<Value> {
    this.#pass.throwIfEnded();
    const outer = currentFrame();
    if (outer) {
      const message = `${call.kind} ${call.name} is called inside step ${outer.step}; calls of a run cannot be nested`;
      throw new SandboxError('failed-precondition', message, { operation: 'run' });
    }
    const ordinal = this.#next++;
    const found = this.#found(ordinal, call);
    if (found?.status === 'recorded') return this.#replay(found, call);
    // A failure that the function went on past is a result; one that ended it is tried again.
    if (found?.status === 'failed' && this.#wentOn(ordinal)) {
      throw errorOf(await this.#pass.body(found.sequence), call.name);
    }
    if (call.effects === 'none') return this.#perform(ordinal, call);
    return this.alone(() => this.#perform(ordinal, call));
  }

  /** Fails the run when the function ended before it got to what was recorded. */
  checkEnd(): void {
    const left = [...(this.#pass.state.scopes.get(this.id)?.values() ?? [])].find(
      ({ ordinal, status }) => ordinal >= this.#next && status === 'recorded',
    );
    if (left) throw this.#otherwise(left, 'the function has ended');
  }

  #found(ordinal: number, { name, kind, effects, inputs }: Call<unknown>): StepState | undefined {
    const found = this.#pass.state.scopes.get(this.id)?.get(ordinal);
    if (!found) return undefined;
    if (found.name !== name || found.kind !== kind || found.effects !== effects) {
      throw this.#otherwise(found, `the code asks for ${describe(kind, name, effects)}`);
    }
    const digest = inputs === undefined ? undefined : this.#pass.log.digest(inputs);
    if (digest === found.inputs) return found;
    // After a rollback earlier steps may have had other results: the decision is made again.
    if (this.#pass.state.superseded.size > 0) return undefined;
    throw this.#otherwise(found, `the code gives ${describe(kind, name, effects)} other inputs`);
  }

  #otherwise(found: StepState, now: string): SandboxError {
    const { ordinal, kind, name, effects } = found;
    const where = this.id === '' ? `call ${ordinal + 1}` : `call ${ordinal + 1} of ${this.id}`;
    const was = describe(kind, name, effects);
    const message = `run ${this.#pass.run} is not deterministic: at ${where} the journal has ${was}, and ${now}; run the code that the run began with`;
    const error = new SandboxError('failed-precondition', message, {
      operation: 'run',
      details: { reason: 'non-determinism', recorded: was, found: now, ordinal, scope: this.id },
    });
    return this.#pass.stop({ kind: 'fail', error });
  }

  #wentOn(ordinal: number): boolean {
    const steps = this.#pass.state.scopes.get(this.id);
    return [...(steps?.keys() ?? [])].some((other) => other > ordinal);
  }

  async #replay<Value>({ sequence }: StepState, { name, schema }: Call<Value>): Promise<Value> {
    return checkedResult(valueOf(await this.#pass.body(sequence)), name, schema);
  }

  async #perform<Value>(ordinal: number, call: Call<Value>): Promise<Value> {
    const { log, state, run } = this.#pass;
    const place = `${this.id}#${ordinal}`;
    const { name, kind, effects, inputs } = call;
    const idempotencyKey = createHash('sha256')
      .update(JSON.stringify([run, place, name]))
      .digest('hex')
      .slice(0, 32);
    const before = state.attempts.get(place) ?? 0;
    for (let attempt = before + 1; ; attempt++) {
      this.#pass.throwIfEnded();
      const facts: Omit<EventFacts, 'type'> = {
        ...(this.id === '' ? {} : { scope: this.id }),
        step: name,
        ordinal,
        attempt,
        ...(inputs === undefined ? {} : { inputs: log.digest(inputs) }),
        facts: { kind, effects },
      };
      const context = this.#context(name, attempt, idempotencyKey);
      const started = { ...facts, type: 'step.started' } as const;
      // Who sees this event knows that the workspace may have been touched: it must be there before the work begins.
      if (this.#hooks.outlives && effects === 'workspace') await log.commit(started, inputs);
      else log.note(started, inputs);
      const tried = await this.#attempt(call, context, place);
      if ('value' in tried) {
        const body = tried.value === undefined ? {} : { value: tried.value };
        const outputs = log.digest(body);
        const type = kind === 'decision' ? 'decision' : undefined;
        if (type)
          log.note({
            type,
            step: name,
            ordinal,
            outputs,
            ...(facts.scope === undefined ? {} : { scope: facts.scope }),
          });
        const recorded = { ...facts, type: 'step.recorded', outputs } as const;
        if (this.#hooks.outlives || effects === 'none') await log.commit(recorded, body);
        else log.note(recorded, body);
        if (effects === 'workspace') await this.#hooks.recorded();
        this.#pass.throwIfEnded();
        return checkedResult(valueOf(log.redacted(body)), name, call.schema);
      }
      const error = log.redacted(errorJson(tried.error));
      await log.commit({ ...facts, type: 'step.failed' }, error);
      if (attempt - before >= (call.attempts ?? 1)) throw errorOf(error, name, tried.error);
    }
  }

  /** One try. A workspace that was lost ends the pass: whatever the work said of it counts for nothing. */
  async #attempt<Value>(call: Call<Value>, context: StepContext, place: string): Promise<Tried> {
    const frame = { scope: this.id, step: call.name, place };
    const touches = call.effects === 'workspace';
    let result: Tried;
    try {
      const span = callSpan(this.#pass.run, call, context.attempt);
      const work = this.#pass.span(span, () => frames.run(frame, async () => call.work(context)));
      const value = await this.#pass.until(work);
      call.schema?.parse(value);
      const what = `the result of ${call.kind} ${call.name}`;
      result = { value: value === undefined ? undefined : asJson(value, what) };
    } catch (error) {
      result = { error: this.#pass.log.secrets.error(error) };
    }
    this.#pass.throwIfEnded();
    const failure = 'error' in result ? result : undefined;
    if (touches && (failure || !this.#hooks.willCheck())) {
      if (await this.#hooks.isLost(failure?.error)) {
        const why = failure ? ` (${String(failure.error)})` : '';
        const reason = `the sandbox was lost in step ${call.name}${why}`;
        throw this.#hooks.lost(reason);
      }
    }
    return result;
  }

  #context(name: string, attempt: number, idempotencyKey: string): StepContext {
    const pass = this.#pass;
    const guard = this.#guard;
    const { log, signal } = pass;
    const scope = this.id === '' ? {} : { scope: this.id };
    return {
      attempt,
      idempotencyKey,
      signal,
      async tool(tool, input, call) {
        const given = asJson(input, `the input of tool ${tool}`);
        await guard.check('tool', { kind: 'tool', subject: `${tool} ${JSON.stringify(given)}` });
        const value = await pass.span(toolSpan(tool), async () => call());
        const output = value === undefined ? null : asJson(value, `the result of tool ${tool}`);
        log.note(
          {
            ...scope,
            type: 'tool.call',
            step: name,
            inputs: log.digest(given),
            outputs: log.digest(output),
            facts: { tool },
          },
          { input: given, output },
        );
        return value;
      },
    };
  }
}
