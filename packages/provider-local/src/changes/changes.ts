import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { setImmediate, setTimeout as delay } from 'node:timers/promises';
import { type Call, type ChangeEntry, SandboxError } from '@gantry/core/driver';
import { ConfinedDirectory, type ConfinedEntry, type WalkedEntry } from '@gantry/core/node';
import { runProgram } from '../run-program.ts';
import type { SandboxPaths } from '../state-directory.ts';
import { changeEntry } from './change-entry.ts';
import {
  comparePaths,
  entryState,
  type ListedEntry,
  ListingWriter,
  readListing,
  tickMs,
} from './listing.ts';

/** Milliseconds of looking at entries before other work gets its turn. */
const slice = 4;

/** Remembers how the workspace is now, in a listing beside it that the guest cannot reach. */
export async function markWorkspace(paths: SandboxPaths, call: Call): Promise<string> {
  const all = allEntries(paths, call);
  for (;;) {
    const step = await all.next();
    if (step.done === true) return step.value;
  }
}

/** Everything in the workspace, with a mark at its end. A file that may have changed unseen while it was read is told again. */
export async function* allEntries(
  paths: SandboxPaths,
  call: Call,
): AsyncGenerator<ChangeEntry, string> {
  const { mark, writer } = await beginMark(paths);
  using _ = writer;
  using workspace = new ConfinedDirectory(paths.workspace);
  const unsure = new Set<WalkedEntry>();
  const pace = new Pace(call);
  for (const entry of workspace.walk()) {
    if (pace.isDue) await pace.turn();
    writer.add(entry);
    const told = changeEntry(paths.workspace, workspace, entry);
    const { open } = told;
    if (!open || !writer.isRacy(entry)) yield told;
    else
      yield {
        ...told,
        open() {
          unsure.add(entry);
          return open();
        },
      };
  }
  writer.finish();
  // Past the tick of the clock: a change from now on is seen.
  if (unsure.size > 0) await delay(tickMs);
  for (const { path } of unsure) {
    const stat = workspace.stat(path);
    const open = (): number => workspace.openFile(path);
    yield changeEntry(paths.workspace, workspace, { path, stat, open });
  }
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
  using _ = writer;
  yield* compare(paths, before, writer, call);
  writer.finish();
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
  const now = workspace.walk();
  const pace = new Pace(call);
  try {
    let [old, seen] = [take(before), take(now)];
    while (old || seen) {
      if (pace.isDue) await pace.turn();
      const order = !old ? 1 : !seen ? -1 : comparePaths(old.path, seen.path);
      if (old && order < 0) yield { path: old.path };
      if (seen && order >= 0 && !(order === 0 && isSame(old, seen))) {
        yield changeEntry(paths.workspace, workspace, seen);
      }
      if (seen && order >= 0) writer?.add(seen);
      if (order <= 0) old = take(before);
      if (order >= 0) seen = take(now);
    }
  } finally {
    before.return();
    now.return();
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
  return { mark, writer: new ListingWriter(path.join(marks(paths), mark), beganNs) };
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

function take<T>(source: Generator<T, void>): T | undefined {
  const result = source.next();
  return result.done === true ? undefined : result.value;
}

/** Gives other work its turn every few milliseconds, and stops when the call does. */
class Pace {
  readonly #call: Call;
  #since: number = performance.now();

  constructor(call: Call) {
    this.#call = call;
    call.signal.throwIfAborted();
  }

  get isDue(): boolean {
    return performance.now() - this.#since > slice;
  }

  async turn(): Promise<void> {
    await setImmediate();
    this.#call.signal.throwIfAborted();
    this.#since = performance.now();
  }
}
