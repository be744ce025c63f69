import { setTimeout as delay } from 'node:timers/promises';
import { SandboxError } from '../../errors/sandbox-error.ts';
import { toSandboxError } from '../../errors/to-sandbox-error.ts';
import { Budget } from '../policy/budget.ts';
import { errorJson } from '../run/step-error.ts';
import { AdaptiveLimit, type Place } from './adaptive-limit.ts';
import { attemptBranch } from './branch-attempt.ts';
import { type BranchRecord, parseBranchRecord } from './branch-record.ts';
import { branchSpan } from '../telemetry/spans.ts';
import type { FanOutContext } from './fan-out-context.ts';
import type { BranchFunction, FanOutOptions, FanOutProgress } from './fan-out-types.ts';

const defaultConcurrency = 8;
const defaultAttempts = 3;
/** How long a branch waits in all for a provider that has no room. */
const throttlePatienceMs = 5 * 60_000;

/** All branches of one fan-out, in one pass of the run. */
export class FanOut<Item, Value> {
  readonly #context: FanOutContext;
  readonly #items: readonly Item[];
  readonly #work: BranchFunction<Item, Value>;
  readonly #options: FanOutOptions<Item>;
  readonly #limit: AdaptiveLimit;
  readonly #budget: Budget;
  readonly #enough = new AbortController();
  readonly #signal: AbortSignal;
  #attempts = 0;
  #fulfilled = 0;
  #rejected = 0;

  constructor(
    context: FanOutContext,
    items: readonly Item[],
    work: BranchFunction<Item, Value>,
    options: FanOutOptions<Item>,
  ) {
    this.#context = context;
    this.#items = items;
    this.#work = work;
    this.#options = options;
    this.#limit = new AdaptiveLimit(options.concurrency ?? defaultConcurrency);
    this.#budget = new Budget(options.budgets ?? {}, `fan-out ${context.name}`);
    this.#signal = AbortSignal.any([context.pass.signal, this.#enough.signal]);
  }

  /** One record per item, in the order of the items. When this settles, no sandbox of a branch is left. */
  async run(): Promise<readonly BranchRecord[]> {
    const settled = await Promise.allSettled(
      this.#items.map((item, index) => this.#branch(item, index)),
    );
    this.#context.pass.throwIfEnded();
    return settled.map((result) => {
      if (result.status === 'fulfilled') return result.value;
      throw result.reason;
    });
  }

  async #branch(item: Item, index: number): Promise<BranchRecord> {
    const { pass, place } = this.#context;
    const scope = `${place}/${index}`;
    const known = pass.state.branches.get(scope);
    if (known !== undefined) {
      return this.#done(index, parseBranchRecord(await pass.body(known)));
    }
    const before = pass.state.branchAttempts.get(scope) ?? 0;
    const patience = performance.now() + throttlePatienceMs;
    for (let attempt = before + 1, throttles = 0; ;) {
      const tried = await this.#try(item, index, scope, attempt);
      if ('status' in tried) return this.#done(index, tried);
      const { error } = tried;
      if (isThrottle(error) && performance.now() < patience && !this.#signal.aborted) {
        // A provider that has no room has not tried: the same attempt again.
        this.#tell(index, 'throttled');
        await this.#pause(error.retryAfterMs ?? Math.min(5_000, 50 * 2 ** throttles++));
      } else if (this.#isWorthAnother(error, attempt - before)) {
        this.#tell(index, 'retried');
        attempt += 1;
      } else {
        pass.throwIfEnded();
        await pass.log.commit({ type: 'branch.failed', scope, attempt }, errorJson(error));
        return this.#done(index, {
          status: 'rejected',
          index,
          attempts: attempt,
          error: errorJson(error),
        });
      }
    }
  }

  async #try(
    item: Item,
    index: number,
    scope: string,
    attempt: number,
  ): Promise<BranchRecord | { readonly error: SandboxError }> {
    const { pass } = this.#context;
    let place: Place | undefined;
    try {
      place = await this.#limit.enter(this.#signal);
      this.#spendAttempt();
      this.#tell(index, 'started');
      const span = branchSpan(pass.run, this.#context.name, index, attempt);
      const record = await pass.span(span, () =>
        attemptBranch(this.#context, {
          ...{ item, index, scope, attempt, work: this.#work, options: this.#options },
          ...{ budget: this.#budget, signal: this.#signal },
        }),
      );
      place.leave('well');
      return record;
    } catch (thrown) {
      const error = toSandboxError(thrown, { operation: 'run.fanOut' });
      place?.leave(isThrottle(error) ? 'throttled' : 'badly');
      // The run goes back, waits or has failed: no branch of it is decided by that.
      pass.throwIfEnded();
      return { error };
    }
  }

  #isWorthAnother(error: SandboxError, attempts: number): boolean {
    const { attempts: most = defaultAttempts, retry = isPassing } = this.#options;
    return !this.#signal.aborted && attempts < most && retry(error);
  }

  #spendAttempt(): void {
    const most = this.#options.budgets?.attempts;
    this.#attempts += 1;
    this.#budget.checkTime();
    if (most === undefined || this.#attempts <= most) return;
    const message = `fan-out ${this.#context.name} has used up its ${most} attempts`;
    throw new SandboxError('resource-exhausted', message, {
      operation: 'run.fanOut',
      outcome: 'not-started',
      retryable: false,
      details: { reason: 'budget', limit: `${most} attempts` },
    });
  }

  async #pause(milliseconds: number): Promise<void> {
    try {
      await delay(milliseconds, undefined, { signal: this.#signal });
    } catch (error) {
      // The next try says why it stops.
      if (!this.#signal.aborted) throw error;
    }
  }

  #done(index: number, record: BranchRecord): BranchRecord {
    if (record.status === 'fulfilled') this.#fulfilled += 1;
    else this.#rejected += 1;
    this.#tell(index, record.status);
    const { minSuccess } = this.#options;
    if (minSuccess !== undefined && this.#fulfilled >= minSuccess && !this.#enough.signal.aborted) {
      const message = `fan-out ${this.#context.name} has its ${minSuccess} successes`;
      const reason = new SandboxError('cancelled', message, {
        operation: 'run.fanOut',
        details: { reason: 'enough' },
      });
      this.#enough.abort(reason);
    }
    return record;
  }

  #tell(index: number, event: FanOutProgress['event']): void {
    this.#options.onProgress?.({
      total: this.#items.length,
      running: this.#limit.running,
      fulfilled: this.#fulfilled,
      rejected: this.#rejected,
      concurrency: this.#limit.limit,
      index,
      event,
    });
  }
}

/** A provider's quota, not a budget, and nothing that ran out inside the sandbox. */
function isThrottle({ code, details }: SandboxError): boolean {
  return code === 'resource-exhausted' && details['reason'] === undefined;
}

function isPassing({ retryable, details }: SandboxError): boolean {
  return retryable && details['reason'] !== 'oom' && details['reason'] !== 'no-space';
}
