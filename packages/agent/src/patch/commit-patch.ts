import path from 'node:path';
import type { Files } from '@gantry/core';
import { ToolFailure } from '../toolset/tool-failure.ts';
import { workspaceRoot } from '../toolset/workspace-paths.ts';
import type { PlannedFile } from './plan-patch.ts';

/** How a change is taken back. */
type Undo = () => Promise<void>;

/**
 * Makes the files what the plan says: all of them, or, when one cannot be changed, none. What was done before is then put
 * back; what cannot be put back is named in the error.
 */
export async function commitPatch(
  plan: readonly PlannedFile[],
  files: Files,
  mostBytes: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const options = signal ? { signal } : {};
  const done: { readonly shown: string; readonly undo: Undo }[] = [];
  try {
    // Removed last: a file that moved is at its new place before it is gone from the old one.
    const order = plan.toSorted(
      (a, b) => Number(a.after === undefined) - Number(b.after === undefined),
    );
    for (const { path: place, shown, before, after, mode } of order) {
      // Before the change, since a write that fails may have happened.
      done.push({ shown, undo: await undoOf(place, before, files, mostBytes, shown, options) });
      if (after === undefined) await files.remove(place, options);
      else await files.write(place, after, mode === undefined ? options : { ...options, mode });
    }
  } catch (error) {
    const left: string[] = [];
    for (const { shown, undo } of done.toReversed()) {
      try {
        await undo();
      } catch (second) {
        left.push(`${shown} (${String(second)})`);
      }
    }
    if (left.length === 0) throw error;
    throw new Error(
      `the patch failed half-way, and these could not be put back: ${left.join('; ')}`,
      { cause: error },
    );
  }
}

async function undoOf(
  place: string,
  before: PlannedFile['before'],
  files: Files,
  mostBytes: number,
  shown: string,
  options: { readonly signal?: AbortSignal },
): Promise<Undo> {
  // What puts things back runs although the call was given up.
  if (!before) {
    const made = await outermostMissing(place, files, options);
    return async () => {
      if (await files.exists(made)) await files.remove(made);
    };
  }
  if (before.type === 'symlink') {
    const { target } = before;
    return async () => {
      if (target && !(await files.exists(place))) await files.symlink(target, place);
    };
  }
  if (before.type !== 'file') throw new ToolFailure(`${shown} is a ${before.type}, not a file.`);
  if (before.size > mostBytes) {
    throw new ToolFailure(
      `${shown} has ${before.size} bytes, more than the ${mostBytes} that can be put back; use the shell.`,
    );
  }
  const bytes = await files.readBytes(place, options);
  return () => files.write(place, bytes, { mode: before.mode });
}

/** The path itself, or the outermost of its directories that is not there yet. */
async function outermostMissing(
  place: string,
  files: Files,
  options: { readonly signal?: AbortSignal },
): Promise<string> {
  let made = place;
  for (;;) {
    const above = path.posix.dirname(made);
    if (above === workspaceRoot || (await files.exists(above, options))) return made;
    made = above;
  }
}
