import { z } from 'zod';
import { SandboxError } from '../../errors/sandbox-error.ts';
import type { BranchResult } from '../fan-out/fan-out-types.ts';
import type { Pass } from './pass.ts';
import { persist } from './persist.ts';
import type { MergeOutcome } from './run-types.ts';
import type { RunWorkspace } from './run-workspace.ts';
import type { SavedWorkspace } from './workspace-saver.ts';

/** Conflicts that an outcome names. */
const mostNamed = 100;

/** A merge's outcome, fresh or from a journal, checked. */
export const mergeOutcome: z.ZodType<MergeOutcome> = z.strictObject({
  changes: z.int(),
  conflicts: z.array(z.string()).readonly(),
});

/** Makes a run's workspace that of a branch which began with it. */
export async function adoptBranch(
  workspace: RunWorkspace,
  branch: BranchResult<unknown>,
): Promise<void> {
  const kept = keptBy(branch, 'adopt', 'snapshot');
  await workspace.checkpoint();
  if (kept.base === undefined || kept.base !== workspace.saved?.tree) {
    throw refusal(
      'adopt',
      `branch ${branch.index} did not begin with this run's workspace as it is at its last checkpoint; its changes would undo others: merge them`,
    );
  }
  await workspace.replace(kept);
}

/** Does to a run's workspace what a branch did to its own. */
export async function mergeBranch(
  pass: Pass,
  workspace: RunWorkspace,
  branch: BranchResult<unknown>,
): Promise<MergeOutcome> {
  const kept = keptBy(branch, 'merge', 'changes');
  const { began, snapshot: theirs } = kept;
  if (began === undefined) throw refusal('merge', keptNothing(branch, 'changes'));
  const ours = await workspace.commit();
  const merged = await persist(
    'run.merge',
    () => workspace.saver.merge({ base: began, ours: ours.snapshot, theirs }, pass.signal),
    pass.signal,
  );
  const { saved, changes, conflicts } = merged;
  if (saved && changes > 0) {
    const facts = { type: 'merge', snapshot: saved.snapshot, after: saved.tree } as const;
    await pass.log.commit({ ...facts, before: ours.tree });
    await workspace.replace(saved);
  }
  return { changes, conflicts: conflicts.slice(0, mostNamed) };
}

function keptBy(
  branch: BranchResult<unknown>,
  operation: 'adopt' | 'merge',
  keep: 'snapshot' | 'changes',
): SavedWorkspace & { readonly base?: string; readonly began?: string } {
  if (branch.status !== 'fulfilled') throw refusal(operation, keptNothing(branch, keep));
  const { snapshot, tree, base, began } = branch;
  if (snapshot === undefined || tree === undefined) {
    throw refusal(operation, keptNothing(branch, keep));
  }
  return {
    ...{ snapshot, tree },
    ...(base === undefined ? {} : { base }),
    ...(began === undefined ? {} : { began }),
  };
}

function keptNothing({ index }: BranchResult<unknown>, keep: 'snapshot' | 'changes'): string {
  return `branch ${index} has kept no ${keep}; fan out with keep: '${keep}'`;
}

function refusal(operation: 'adopt' | 'merge', message: string): SandboxError {
  return new SandboxError('failed-precondition', message, { operation: `run.${operation}` });
}
