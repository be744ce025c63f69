import { SandboxError } from '../../errors/sandbox-error.ts';
import type { Sandbox } from '../../contract/sandbox.ts';
import type { Budget } from '../policy/budget.ts';
import { asJson } from '../run/json-value.ts';
import { persist } from '../run/persist.ts';
import { outsideCalls } from '../run/scope.ts';
import type { SavedWorkspace } from '../run/workspace-saver.ts';
import { type BranchRecord, parseBranchRecord } from './branch-record.ts';
import { openBranchSandbox } from './branch-sandbox.ts';
import type { FanOutContext } from './fan-out-context.ts';
import type { BranchFunction, FanOutOptions } from './fan-out-types.ts';
import { LiveBranch, type LiveBranchOptions, lostBranch } from './live-branch.ts';

/** One try of one branch. */
export interface BranchAttempt<Item, Value> {
  readonly item: Item;
  readonly index: number;
  readonly scope: string;
  /** From 1. */
  readonly attempt: number;
  readonly work: BranchFunction<Item, Value>;
  readonly options: FanOutOptions<Item>;
  readonly budget: Budget;
  /** Aborted when the branch is not needed any more. */
  readonly signal: AbortSignal;
}

/** Runs one try in a sandbox of its own and records its result. When this settles the sandbox is gone. */
export async function attemptBranch<Item, Value>(
  context: FanOutContext,
  attempt: BranchAttempt<Item, Value>,
): Promise<BranchRecord> {
  const { pass, router, base, preferred } = context;
  const { item, index, scope, options, budget } = attempt;
  const { sandbox: own } = options;
  const create = (typeof own === 'function' ? own(item, index) : own) ?? context.create;
  const order = router.order(item, preferred, options);
  const began = base ? { snapshot: base.snapshot, before: base.tree } : {};
  pass.log.note({ type: 'branch.started', scope, attempt: attempt.attempt, ...began });
  using limit = timeLimit(attempt.signal, options.branchTimeoutMs, scope);
  const { signal } = limit;
  // A branch that is tried again may have been lost by its fork.
  const forks = own === undefined && attempt.attempt === 1 ? context.forks : undefined;
  const { leased, provider } = await openBranchSandbox({
    ...context,
    forks,
    scope,
    order,
    budget,
    create,
    signal,
  });
  router.started(provider);
  try {
    return await recordBranch(context, attempt, provider, leased.sandbox, signal);
  } finally {
    router.ended(provider);
    await leased.destroy();
    // A run that was lost is no longer ours to write to.
    if (pass.log.failure === undefined) {
      pass.log.note({ type: 'sandbox.destroyed', scope, facts: { lease: leased.lease } });
    }
  }
}

async function recordBranch<Item, Value>(
  context: FanOutContext,
  { item, index, scope, attempt, work, options }: BranchAttempt<Item, Value>,
  provider: string,
  sandbox: Sandbox,
  signal: AbortSignal,
): Promise<BranchRecord> {
  const { pass, policy, store, runBudget: budget, base } = context;
  const isRunning = async (): Promise<boolean> => {
    const { state } = await persist('sandbox.inspect', () => sandbox.inspect(), signal);
    return state === 'running';
  };
  const live = { pass, scope, index, attempt, sandbox, isRunning, policy, budget, store, signal };
  const began = options.keep === 'changes' ? await begin(context, sandbox, live) : undefined;
  let value: Value;
  try {
    const branch = new LiveBranch(live);
    value = await unlessAborted(
      outsideCalls(() => work(branch, item, index)),
      signal,
    );
  } catch (error) {
    signal.throwIfAborted();
    if (!(await isRunning())) throw lostBranch(scope, `its sandbox was lost (${String(error)})`);
    throw error;
  }
  // A result that was made of a dying sandbox's answers is none.
  if (!(await isRunning())) throw lostBranch(scope, 'its sandbox was lost');
  const json = value === undefined ? undefined : asJson(value, `the result of branch ${scope}`);
  const from = began ?? base?.snapshot;
  const kept = options.keep === undefined ? undefined : await keep(context, sandbox, from, signal);
  const record = {
    status: 'fulfilled' as const,
    index,
    attempts: attempt,
    provider,
    ...(json === undefined ? {} : { value: json }),
    ...(base ? { base: base.tree } : {}),
    ...(began === undefined ? {} : { began }),
    ...kept,
  };
  const outputs = pass.log.digest(record);
  const after = kept ? { snapshot: kept.snapshot, after: kept.tree } : {};
  const facts = { type: 'branch.recorded', scope, attempt, outputs, ...after } as const;
  const { sequence } = await pass.log.commit(facts, record);
  return parseBranchRecord(await pass.body(sequence));
}

/** What the branch began with as a snapshot: what the journal has of a fresh sandbox is no more than its plan. */
async function begin(
  context: FanOutContext,
  sandbox: Sandbox,
  { pass, scope, attempt, signal }: LiveBranchOptions,
): Promise<string> {
  if (context.base) return context.base.snapshot;
  const { snapshot, tree } = await keep(context, sandbox, undefined, signal);
  pass.log.note({ type: 'branch.begun', scope, attempt, snapshot, after: tree });
  return snapshot;
}

async function keep(
  { saver, pass, acknowledgeSecrets }: FanOutContext,
  sandbox: Sandbox,
  parent: string | undefined,
  signal: AbortSignal,
): Promise<SavedWorkspace> {
  const secrets = acknowledgeSecrets ? [] : pass.log.secrets.values();
  if (saver) return saver.save(sandbox, parent, { signal, secrets });
  const message = 'to keep what branches leave needs a store: give createHarness one';
  throw new SandboxError('failed-precondition', message, { operation: 'run.fanOut' });
}

/** The attempt's signal, which also ends it after its time. */
function timeLimit(
  signal: AbortSignal,
  branchTimeoutMs: number | undefined,
  scope: string,
): Disposable & { readonly signal: AbortSignal } {
  const controller = new AbortController();
  const stop = (): void => controller.abort(signal.reason);
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  const late = new SandboxError(
    'deadline-exceeded',
    `branch ${scope} took more than ${branchTimeoutMs} ms`,
    {
      operation: 'run.fanOut',
    },
  );
  const timer =
    branchTimeoutMs === undefined
      ? undefined
      : setTimeout(() => controller.abort(late), branchTimeoutMs);
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
    },
  };
}

/** The work's result, or the signal's reason as soon as it is aborted. */
async function unlessAborted<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result> {
  signal.throwIfAborted();
  const { promise, reject } = Promise.withResolvers<never>();
  const stop = (): void =>
    reject(signal.reason instanceof Error ? signal.reason : new Error(String(signal.reason)));
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
