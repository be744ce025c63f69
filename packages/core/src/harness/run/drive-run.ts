import { SandboxError } from '../../errors/sandbox-error.ts';
import { toSandboxError } from '../../errors/to-sandbox-error.ts';
import { exposedSecrets } from '../../manifest/manifest-secrets.ts';
import { LeasedSandbox } from '../lease/leased-sandbox.ts';
import { LiveRun } from './live-run.ts';
import { Pass, type PassEnd } from './pass.ts';
import { persist } from './persist.ts';
import { RunWorkspace } from './run-workspace.ts';
import { asJson } from './json-value.ts';
import { destroyOpenSandbox } from './open-sandbox.ts';
import { readState } from './read-run.ts';
import { recordEgress } from './record-egress.ts';
import type { OpenRun } from './open-run.ts';
import { runScope, type RunState } from './run-state.ts';
import type { RunFunction, RunOutcome } from './run-types.ts';
import { runSnapshots } from './run-snapshots.ts';
import { errorJson } from './step-error.ts';

/** How often in a row a run goes back to the same checkpoint before it has failed. */
const mostRecoveries = 10;

/**
 * Runs a claimed run's function until it has finished, is suspended or has failed; goes back to the last checkpoint as needed.
 * `known` is what the run's events add up to, where that was just read.
 */
export async function driveRun<Value>(
  open: OpenRun,
  work: RunFunction<Value>,
  known?: RunState,
): Promise<RunOutcome<Value>> {
  let last = -1;
  let first = known;
  for (let recoveries = 0; ; recoveries++) {
    const { state, attached } = await begin(open, first);
    first = undefined;
    if (progress(state) !== last) recoveries = 0;
    last = progress(state);
    const pass = new Pass(
      open.settings.run,
      open.settings.journal,
      open.settings.cipher,
      open.settings.log,
      state,
    );
    using _link = open.follow(pass);
    const result = await onePass(open, pass, attached, work);
    if ('outcome' in result) return result.outcome;
    if (recoveries < mostRecoveries) continue;
    const message = `run ${open.settings.run} was set back ${recoveries + 1} times without getting any further; last: ${result.again}`;
    const error = new SandboxError('unavailable', message, { operation: 'run', retryable: false });
    throw await fail(open, error);
  }
}

/** What there is to go on from, once nothing is left that an earlier pass or process interrupted. */
async function begin(
  open: OpenRun,
  known: RunState | undefined,
): Promise<{ readonly state: RunState; readonly attached: LeasedSandbox | undefined }> {
  const { log, journal, run } = open.settings;
  for (let first = known; ; first = undefined) {
    await log.flush();
    const state = first ?? (await readState(journal, run)).state;
    const ready = await prepare(open, state);
    if (ready !== 'rolled back') return { state, ...ready };
  }
}

/** What only grows when a run gets further: its last checkpoint, and calls that need none. */
function progress(state: RunState): number {
  const committed = [...state.scopes.values()].flatMap((steps) =>
    [...steps.values()].filter(
      ({ effects, status }) => effects === 'none' && status === 'recorded',
    ),
  );
  return (state.checkpoint?.sequence ?? 0) + committed.length;
}

type PassResult<Value> = { readonly outcome: RunOutcome<Value> } | { readonly again: string };

async function onePass<Value>(
  open: OpenRun,
  pass: Pass,
  attached: LeasedSandbox | undefined,
  work: RunFunction<Value>,
): Promise<PassResult<Value>> {
  const workspace = new RunWorkspace(pass, open.settings.workspaceOptions, attached);
  try {
    const { name, input, policy, budget, store, fanOut } = open.settings;
    const run = new LiveRun({ pass, name, input, workspace, policy, budget, store, fanOut });
    const value = await pass.until(work(run));
    run.scope.checkEnd();
    const kept = await finish(open, pass, workspace, value);
    return { outcome: { run: open.settings.run, status: 'finished', value: kept } };
  } catch (error) {
    // The first reason counts: what follows from it is thrown too.
    pass.stop({ kind: 'fail', error: toSandboxError(error, { operation: 'run' }) });
    const end = await pass.ended;
    await pass.settled();
    return ended(open, pass, workspace, end);
  }
}

/** Decides what becomes of the sandboxes that an earlier pass or process left, before the first step. */
async function prepare(
  open: OpenRun,
  state: RunState,
): Promise<{ readonly attached: LeasedSandbox | undefined } | 'rolled back'> {
  for (const [scope, sandbox] of state.sandboxes) {
    // Branches begin again in fresh sandboxes, whoever had the old ones.
    if (scope !== runScope)
      await destroyOpenSandbox(open, scope, sandbox, 'its branch begins again');
  }
  const left = state.sandboxes.get(runScope);
  const interrupted = inFlight(state);
  if (left?.ref !== undefined && interrupted === undefined) {
    const { lease, ref } = left;
    const attached = await reattach(open, lease, ref);
    if (attached) {
      const facts = { lease, provider: left.provider, ref };
      await open.settings.log.commit({ type: 'sandbox.attached', facts });
      recordEgress(open.settings.log, attached.sandbox);
      return { attached };
    }
  }
  if (left) await destroyOpenSandbox(open, runScope, left, interrupted ?? 'it is gone');
  if (!state.dirty && interrupted === undefined) return { attached: undefined };
  const { checkpoint } = state;
  await open.settings.log.commit({
    type: 'rollback',
    facts: { reason: interrupted ?? 'the sandbox is gone', to: checkpoint?.sequence ?? 0 },
    ...(checkpoint ? { snapshot: checkpoint.snapshot, after: checkpoint.tree } : {}),
  });
  return 'rolled back';
}

/** The step that was begun and not recorded, or that failed and ended the run: what it did to the workspace is not known. */
function inFlight(state: RunState): string | undefined {
  const steps = [...(state.scopes.get(runScope)?.values() ?? [])];
  const last = Math.max(-1, ...steps.map(({ ordinal }) => ordinal));
  const found = steps.find(
    ({ effects, kind, status, ordinal }) =>
      effects === 'workspace' &&
      kind !== 'artifact' &&
      (status === 'started' || (status === 'failed' && ordinal === last)),
  );
  return found && `step ${found.name} was ${found.status === 'started' ? 'interrupted' : 'failed'}`;
}

async function reattach(
  open: OpenRun,
  lease: string,
  ref: string,
): Promise<LeasedSandbox | undefined> {
  const { terms, provider, sandbox } = open.settings.workspaceOptions;
  const { learn: onSecret } = open.settings.log.secrets;
  // What it was given when it was made it holds still, and nobody else looks that up again.
  await exposedSecrets(sandbox.manifest, sandbox.secrets, onSecret);
  try {
    return await persist(
      'sandbox.connect',
      () => LeasedSandbox.attach(terms, provider, lease, ref, { ...sandbox, onSecret }),
      open.signal,
    );
  } catch (error) {
    if (!SandboxError.is(error)) throw error;
    // A confirmed absence, or one that was stopped: its workspace comes back from the checkpoint.
    if (error.code === 'not-found' || error.code === 'failed-precondition') return undefined;
    throw error;
  }
}

async function finish<Value>(
  open: OpenRun,
  pass: Pass,
  workspace: RunWorkspace,
  value: Value,
): Promise<Value> {
  const json =
    value === undefined ? undefined : asJson(value, `the result of run ${open.settings.name}`);
  const body = json === undefined ? {} : { value: json };
  await workspace.finish();
  pass.throwIfEnded();
  const { log } = open.settings;
  const after = workspace.saved;
  await log.commit(
    {
      type: 'run.finished',
      outputs: log.digest(body),
      ...(after ? { after: after.tree, snapshot: after.snapshot } : {}),
    },
    body,
    { status: 'finished', sign: true },
  );
  // From here on the run is finished, whatever happens: what is left of it is the reaper's.
  await workspace.destroy('the run has finished');
  await log.flush({ sign: true });
  await forgetCheckpoints(open);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the same value, as JSON has it
  return json as Value;
}

/** Leaves as many of a finished run's checkpoints as are to be kept, the last ones. */
async function forgetCheckpoints({ settings }: OpenRun): Promise<void> {
  const { journal, run, workspaceOptions, keepCheckpoints } = settings;
  const { saver } = workspaceOptions;
  if (!saver) return;
  const { checkpoints } = await runSnapshots(journal, run);
  const old = checkpoints.slice(0, Math.max(0, checkpoints.length - keepCheckpoints));
  for (const snapshot of old) await persist('store.delete', () => saver.forget(snapshot));
}

async function ended<Value>(
  open: OpenRun,
  pass: Pass,
  workspace: RunWorkspace,
  end: PassEnd,
): Promise<PassResult<Value>> {
  if (open.isLost()) {
    await workspace.release();
    if (end.kind === 'fail') throw end.error;
    throw open.lostError();
  }
  if (end.kind === 'rollback') {
    await workspace.destroy(end.reason);
    return { again: end.reason };
  }
  if (end.kind === 'suspend') {
    await workspace.destroy('the run waits for an answer');
    await open.settings.log.commit({ type: 'run.suspended' }, undefined, {
      status: 'suspended',
      sign: true,
    });
    return { outcome: { run: pass.run, status: 'suspended', asks: [end.ask] } };
  }
  await workspace.destroy('the run has failed');
  throw await fail(open, end.error);
}

async function fail(open: OpenRun, error: SandboxError): Promise<SandboxError> {
  if (!open.isLost()) {
    await open.settings.log.commit({ type: 'run.failed' }, errorJson(error), {
      status: 'failed',
      sign: true,
    });
  }
  return error;
}
