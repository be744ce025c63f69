import type { Journal } from '../journal/journal.ts';
import { readEvents } from './read-run.ts';

/** The snapshots that a run has taken, each once, the oldest first. */
export interface RunSnapshots {
  readonly checkpoints: readonly string[];
  /** Of branches that kept theirs, what they began with, and what was made of them by merging. */
  readonly branches: readonly string[];
}

/** Finds them in the run's events. */
export async function runSnapshots(journal: Journal, run: string): Promise<RunSnapshots> {
  const checkpoints = new Set<string>();
  const branches = new Set<string>();
  for await (const { type, snapshot } of readEvents(journal, run)) {
    if (snapshot === undefined) continue;
    if (type === 'checkpoint') checkpoints.add(snapshot);
    if (['branch.begun', 'branch.recorded', 'merge'].includes(type)) branches.add(snapshot);
  }
  return { checkpoints: [...checkpoints], branches: [...branches] };
}
