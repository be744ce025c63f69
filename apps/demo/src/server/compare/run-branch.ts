import type { Sandbox } from '@gantry/core';
import type { BranchView } from '../../protocol/compare.ts';
import { describeError } from '../error-answer.ts';
import type { BranchContext } from './make-branches.ts';
import { runCommand } from './run-command.ts';

const mostDifferences = 500;

/** What a branch's work is given. */
export interface BranchWorkshop {
  readonly sandbox: Sandbox;
  /** Ends the work. */
  readonly signal: AbortSignal;
  /** Milliseconds since the comparison's start. */
  readonly since: () => number;
  readonly update: (facts: Partial<BranchView>) => void;
}

/** Does a branch's work, keeps what it left as a snapshot, and compares that with where it began. */
export async function runBranch(
  branch: BranchView,
  sandbox: Sandbox,
  { demo, signal, work, startedAt, snapshot }: BranchContext,
  update: (facts: Partial<BranchView>) => void,
): Promise<void> {
  const { index } = branch;
  const since = (): number => Date.now() - startedAt;
  const stopped = work[index];
  try {
    const ends = AbortSignal.any(stopped ? [signal, stopped] : [signal]);
    try {
      await doWork(branch, { sandbox, signal: ends, since, update });
    } catch (error) {
      // What was ended by hand is compared like what ended by itself.
      if (stopped?.aborted !== true || signal.aborted) throw error;
    }
    if (stopped?.aborted) update({ stopped: true });
    update({ ranMs: since(), state: 'looking' });
    const taken = await sandbox.snapshot(demo.snapshots.store, { parent: snapshot, signal });
    const record = demo.sandboxes.find(sandbox.ref);
    await demo.snapshots.add(taken, {
      name: `after branch ${index + 1}`,
      ...{ sandbox: record?.id ?? '', sandboxName: record?.name ?? '' },
      emulated: record?.emulated ?? false,
      bytesStored: taken.work.bytesStored + taken.work.metadataBytes,
    });
    if (record) await demo.sandboxes.isAs(record.id, taken.id);
    const { differences, truncated } = await demo.snapshots.diff(snapshot, taken.id);
    update({
      ...{ state: 'done', comparedMs: since(), snapshot: taken.id, tree: taken.tree },
      differences: differences.slice(0, mostDifferences),
      differencesTruncated: truncated || differences.length > mostDifferences,
    });
  } catch (error) {
    update({ state: 'failed', error: describeError(error) });
  }
}

async function doWork({ command, task }: BranchView, workshop: BranchWorkshop): Promise<void> {
  if (task === undefined) return runCommand(command ?? '', workshop);
  // The AI SDK takes a while to load, and who runs commands needs none of it.
  const { runAgent } = await import('./run-agent.ts');
  return runAgent(task, workshop);
}
