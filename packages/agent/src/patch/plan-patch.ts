import type { FileStat, Files } from '@gantry/core';
import { readTextFile } from '../toolset/text-file.ts';
import { messageForModel, ToolFailure } from '../toolset/tool-failure.ts';
import type { WorkspacePaths, WorkspacePlace } from '../toolset/workspace-paths.ts';
import type { PatchChange } from './patch-types.ts';
import { updateText } from './update-text.ts';

/** One file as it is and as it is to be. */
export interface PlannedFile {
  /** Absolute. */
  readonly path: string;
  readonly shown: string;
  readonly before: FileStat | undefined;
  /** Undefined: it is to be gone. */
  readonly after: string | undefined;
  /** Permission bits of a file that moved here. */
  readonly mode?: number;
}

/** Everything that a patch does, worked out and not begun. */
export interface PatchPlan {
  readonly files: readonly PlannedFile[];
  /** For the model: what was done, one line for each change, and what had to be looked over. */
  readonly summary: readonly string[];
  readonly notes: readonly string[];
}

/** What the patch has made of files so far: later changes see earlier ones. */
class Draft {
  readonly #files = new Map<string, PlannedFile>();

  get files(): readonly PlannedFile[] {
    return [...this.#files.values()].filter(
      ({ before, after }) => before !== undefined || after !== undefined,
    );
  }

  /** Whether something is at a place by now. */
  isThere({ path, stat }: WorkspacePlace): boolean {
    const planned = this.#files.get(path);
    return planned ? planned.after !== undefined : stat !== undefined;
  }

  get(path: string): PlannedFile | undefined {
    return this.#files.get(path);
  }

  set({ path, shown, stat }: WorkspacePlace, after: string | undefined, mode?: number): void {
    const before = this.#files.get(path)?.before ?? stat;
    this.#files.set(path, { path, shown, before, after, ...(mode === undefined ? {} : { mode }) });
  }
}

/** Works a patch out against the files as they are. Throws one `ToolFailure` with all that does not fit; nothing is changed. */
export async function planPatch(
  changes: readonly PatchChange[],
  files: Files,
  paths: WorkspacePaths,
  mostBytes: number,
  signal: AbortSignal | undefined,
): Promise<PatchPlan> {
  const draft = new Draft();
  const summary: string[] = [];
  const notes: string[] = [];
  const problems: string[] = [];
  const work = { draft, files, paths, mostBytes, signal, notes };
  for (const change of changes) {
    try {
      summary.push(await planChange(change, work));
    } catch (error) {
      const message = messageForModel(error);
      if (message === undefined) throw error;
      problems.push(`${change.path}: ${message}`);
    }
  }
  if (problems.length === 0) return { files: draft.files, summary, notes };
  throw new ToolFailure(
    `Nothing was changed, since not all of the patch fits:\n${problems.join('\n')}\nMend it and send the whole patch again.`,
  );
}

interface Work {
  readonly draft: Draft;
  readonly files: Files;
  readonly paths: WorkspacePaths;
  readonly mostBytes: number;
  readonly signal: AbortSignal | undefined;
  readonly notes: string[];
}

async function planChange(change: PatchChange, work: Work): Promise<string> {
  const { draft, files, paths, mostBytes, signal, notes } = work;
  if (change.kind === 'delete') {
    const place = await paths.find(change.path, signal, 'entry');
    if (!draft.isThere(place)) throw new ToolFailure('there is nothing to delete.');
    if (place.stat?.type === 'directory')
      throw new ToolFailure('it is a directory; delete its files, or use the shell.');
    draft.set(place, undefined);
    return `D ${place.shown}`;
  }
  const place = await paths.find(change.path, signal);
  if (change.kind === 'add') {
    if (draft.isThere(place)) {
      throw new ToolFailure(
        'it is there already; use "*** Update File:", or delete it first in a patch of its own.',
      );
    }
    const text = change.lines.map((line) => `${line}\n`).join('');
    checkSize(text, mostBytes);
    draft.set(place, text);
    return `A ${place.shown}`;
  }
  if (!draft.isThere(place)) {
    throw new ToolFailure(
      'there is no such file; use "*** Add File:" to make one, or glob to find it.',
    );
  }
  const now = draft.get(place.path)?.after ?? (await readTextFile(files, place, mostBytes, signal));
  const updated = updateText(now, change.hunks);
  if (updated.problems.length > 0) throw new ToolFailure(updated.problems.join('\n'));
  checkSize(updated.text, mostBytes);
  notes.push(...updated.notes.map((note) => `${place.shown}: ${note}`));
  if (change.moveTo === undefined) {
    draft.set(place, updated.text);
    return `M ${place.shown}`;
  }
  const target = await paths.find(change.moveTo, signal);
  if (target.path !== place.path && draft.isThere(target)) {
    throw new ToolFailure(`it cannot move to ${target.shown}, where there is something already.`);
  }
  draft.set(place, undefined);
  draft.set(target, updated.text, place.stat?.mode);
  return `R ${place.shown} -> ${target.shown}`;
}

function checkSize(text: string, mostBytes: number): void {
  const bytes = Buffer.byteLength(text);
  if (bytes > mostBytes) {
    throw new ToolFailure(`it would have ${bytes} bytes, more than the ${mostBytes} allowed.`);
  }
}
