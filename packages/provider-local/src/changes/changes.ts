import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { type Call, type ChangeEntry, SandboxError } from '@gantry/core/driver';
import { ConfinedDirectory, type ConfinedEntry } from '@gantry/core/node';
import { runProgram } from '../run-program.ts';
import type { SandboxPaths } from '../state-directory.ts';
import { changeEntry } from './change-entry.ts';
import {
  comparePaths,
  entryState,
  type ListedEntry,
  ListingWriter,
  readListing,
} from './listing.ts';

/** Remembers how the workspace is now, in a listing beside it that the guest cannot reach. */
export async function markWorkspace(paths: SandboxPaths, call: Call): Promise<string> {
  const { mark, writer } = await beginMark(paths);
  await using _ = writer;
  using workspace = new ConfinedDirectory(paths.workspace);
  for await (const entry of stoppable(workspace.entries(), call)) await writer.add(entry);
  await writer.finish();
  return mark;
}

/**
 * What differs in the workspace from what it was at a mark: at the least all that changed, and besides
 * what changed so shortly before the mark that the clock cannot tell.
 */
export async function* changesSince(
  paths: SandboxPaths,
  mark: string,
  call: Call,
): AsyncGenerator<ChangeEntry, void> {
  yield* compare(paths, markFile(paths, mark), undefined, call);
}

/** The same, with a new mark at its end. */
export async function* advanceMark(
  paths: SandboxPaths,
  mark: string,
  call: Call,
): AsyncGenerator<ChangeEntry, string> {
  const before = markFile(paths, mark);
  const { mark: next, writer } = await beginMark(paths);
  await using _ = writer;
  yield* compare(paths, before, writer, call);
  await writer.finish();
  return next;
}

async function* compare(
  paths: SandboxPaths,
  file: string,
  writer: ListingWriter | undefined,
  call: Call,
): AsyncGenerator<ChangeEntry, void> {
  using workspace = new ConfinedDirectory(paths.workspace);
  const before = readListing(file);
  const now = stoppable(workspace.entries(), call);
  try {
    let [old, seen] = [await take(before), await take(now)];
    while (old || seen) {
      const order = !old ? 1 : !seen ? -1 : comparePaths(old.path, seen.path);
      if (old && order < 0) yield { path: old.path };
      if (seen && order >= 0 && !(order === 0 && isSame(old, seen))) {
        yield changeEntry(paths.workspace, workspace, seen);
      }
      if (seen && order >= 0) await writer?.add(seen);
      if (order <= 0) old = await take(before);
      if (order >= 0) seen = await take(now);
    }
  } finally {
    await before.return();
    await now.return();
  }
}

/** A name for a new mark, and what writes it down. Everything that was written before is told apart by it from now on. */
async function beginMark(
  paths: SandboxPaths,
): Promise<{ readonly mark: string; readonly writer: ListingWriter }> {
  const mark = randomBytes(12).toString('hex');
  mkdirSync(marks(paths), { recursive: true, mode: 0o700 });
  const beganNs = BigInt(Date.now()) * 1_000_000n;
  // A page that a program has mapped and written to can be written to again, without a trace, until it is on disk.
  const { code, output } = await runProgram(['sync', '-f', paths.workspace]);
  if (code !== 0) {
    throw new SandboxError('unavailable', `the workspace could not be written to disk: ${output}`);
  }
  return { mark, writer: await ListingWriter.create(path.join(marks(paths), mark), beganNs) };
}

function markFile(paths: SandboxPaths, mark: string): string {
  const file = path.join(marks(paths), mark);
  if (/^[0-9a-f]{24}$/.test(mark) && existsSync(file)) return file;
  const message = `${JSON.stringify(mark)} is no mark of sandbox ${paths.id}; take one with mark`;
  throw new SandboxError('not-found', message, { details: { mark } });
}

function isSame(old: ListedEntry | undefined, seen: ConfinedEntry): boolean {
  return old?.state !== undefined && old.state === entryState(seen);
}

function marks(paths: SandboxPaths): string {
  return path.join(paths.directory, 'marks');
}

async function take<T>(source: AsyncGenerator<T, void>): Promise<T | undefined> {
  const result = await source.next();
  return result.done === true ? undefined : result.value;
}

async function* stoppable<T>(source: AsyncIterable<T>, call: Call): AsyncGenerator<T, void> {
  for await (const value of source) {
    call.signal.throwIfAborted();
    yield value;
  }
}
