import { SandboxError } from '../errors/sandbox-error.ts';
import { fanOutStarter } from './fan-out/start-fan-out.ts';
import { Router } from './fan-out/route.ts';
import type { HarnessOptions } from './harness-options.ts';
import type { Harness } from './harness-types.ts';
import type { RunSummary } from './journal/journal.ts';
import type { Json } from './journal/run-event.ts';
import { reap } from './lease/reap.ts';
import { thisOwner } from './lease/owner.ts';
import { Pool } from './lease/pool.ts';
import { openForWriting, noSuchRun, type WritableRun } from './open-for-writing.ts';
import { Budget } from './policy/budget.ts';
import { checkPolicy } from './policy/policy.ts';
import { exportRun } from './provenance/export-run.ts';
import { verifyRun } from './provenance/verify-run.ts';
import { beginRun, checkInput, inputOf } from './run/begin-run.ts';
import { driveRun } from './run/drive-run.ts';
import { finishedOutcome } from './run/finished-outcome.ts';
import { OpenRun } from './run/open-run.ts';
import type { RunFunction, RunOptions, RunOutcome } from './run/run-types.ts';
import { snapshotSaver } from './run/snapshot-saver.ts';
import { inSpan } from './telemetry/in-span.ts';
import { runSpan } from './telemetry/spans.ts';
import { RunRecords } from './run-records.ts';

const defaultClaimMs = 30_000;

interface Definition {
  readonly options: RunOptions;
  readonly work: RunFunction<unknown>;
}

/** Makes a harness; only one with a pool must be closed. Throws `invalid-argument` for a policy that says nothing clear. */
export function createHarness(options: HarnessOptions): Harness {
  const { journal, providers = {}, policy = {}, claimMs = defaultClaimMs, signer } = options;
  const { lifetimeMs } = options;
  const saver = options.store && snapshotSaver(options.store);
  checkPolicy(policy);
  const leases = options.leases ?? journal.leases;
  const owner = thisOwner();
  const router = new Router(providers);
  const pool =
    options.pool && leases && new Pool({ leases, owner, ttlMs: claimMs, lifetimeMs }, options.pool);
  const records = new RunRecords(options, saver);
  const definitions = new Map<string, Definition>();

  function openRun(
    summary: RunSummary,
    written: WritableRun,
    run: RunOptions,
    input: Json,
  ): OpenRun {
    const [first] = Object.keys(providers);
    const preferred = run.provider ?? first;
    if (preferred === undefined || !leases) {
      const missing = leases ? 'a provider' : 'a lease store';
      throw new SandboxError(
        'failed-precondition',
        `a run needs ${missing}: give createHarness one`,
        {
          operation: 'harness.run',
        },
      );
    }
    const { run: id, name } = summary;
    const { claim, cipher, log } = written;
    const budget = new Budget(policy.budgets ?? {}, `run ${id}`);
    const terms = { leases, owner, ttlMs: claimMs, lifetimeMs };
    const { sandbox: create = {}, acknowledgeSecrets = false } = run;
    const { store } = options;
    const shared = {
      router,
      preferred,
      terms,
      pool,
      saver,
      store,
      policy,
      runBudget: budget,
      create,
      acknowledgeSecrets,
    };
    const opened: OpenRun = new OpenRun({
      run: id,
      name,
      input,
      epoch: claim.epoch,
      journal,
      cipher,
      log,
      providers,
      workspaceOptions: {
        provider: router.provider(preferred),
        terms: { ...terms, onLost: (error) => opened.lose(error) },
        pool,
        saver,
        budget,
        sandbox: create,
        policy,
        checkpoints: run.checkpoint ?? 'every-step',
        acknowledgeSecrets,
      },
      policy,
      budget,
      store,
      fanOut: fanOutStarter(shared),
      claimMs,
      keepCheckpoints: run.keepCheckpoints ?? 1,
      signal: run.signal,
    });
    return opened;
  }

  async function drive<Value>(
    id: string,
    definition: RunOptions,
    work: RunFunction<Value>,
  ): Promise<RunOutcome<Value>> {
    const summary = await journal.find(id);
    if (!summary) throw noSuchRun(id);
    const written = await openForWriting(options, id, owner, claimMs);
    try {
      const done = await finishedOutcome<Value>(journal, summary, written);
      if (done) return done;
      const input = await inputOf(journal, id, written.cipher);
      checkInput(id, input, definition.input);
      using open = openRun(summary, written, definition, input);
      await written.log.commit({ type: 'run.claimed', facts: { owner } }, undefined, {
        status: 'running',
      });
      const span = runSpan(id, written.log.redactedText(summary.name));
      return await inSpan(span, async ({ set }) => {
        const outcome = await driveRun(open, work, written.state);
        set({ 'gantry.run.status': outcome.status });
        return outcome;
      });
    } catch (error) {
      throw written.log.secrets.error(error);
    } finally {
      await journal.unclaim(id, written.claim.epoch);
    }
  }

  const close = async (): Promise<void> => pool?.close();
  return {
    close,
    [Symbol.asyncDispose]: close,
    define(name, run, work) {
      definitions.set(name, { options: run, work });
    },
    async run(name, run, work) {
      definitions.set(name, { options: run, work });
      const id = await beginRun(options, owner, claimMs, name, run);
      return drive(id, run, work);
    },
    async resume(id) {
      const summary = await journal.find(id);
      if (!summary) throw noSuchRun(id);
      const known = definitions.get(summary.name);
      if (known) return drive(id, known.options, known.work);
      throw new SandboxError(
        'failed-precondition',
        `run ${id} is a ${JSON.stringify(summary.name)}, of which this process has no code; define it first`,
        { operation: 'harness.resume' },
      );
    },
    runs: () => journal.list(),
    events: (id, reading) => records.events(id, reading),
    body: (id, sequence) => records.body(id, sequence),
    asks: (id) => records.asks(id),
    approve: (id, ask, answer) => records.answer(id, ask, answer, owner, claimMs),
    artifact: (artifact) => records.artifact(artifact),
    async verify(id, against) {
      const anchor = await signer?.kept?.(id);
      const own = signer ? { publicKey: signer.publicKey, ...(anchor ? { anchor } : {}) } : {};
      return verifyRun(journal, id, against ?? own);
    },
    export: (id, format) => exportRun(records, id, format),
    erase: (id) => records.erase(id, owner, claimMs),
    async reap() {
      if (!leases)
        throw new SandboxError(
          'failed-precondition',
          'reap needs a lease store: give createHarness one',
        );
      const all = Object.values(providers);
      return reap({ leases, providers: all, owner, ttlMs: claimMs, now: Date.now });
    },
  };
}
