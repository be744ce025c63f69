import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { setImmediate, setTimeout as delay } from 'node:timers/promises';
import { type Call, type ChangeEntry, SandboxError } from '@gantry/core/driver';
import { ConfinedDirectory, hostProcess, type WalkedEntry } from '@gantry/core/node';
import { changeEntry } from './change-entry.ts';
import { LayerChanges, orMissing } from './layer-changes.ts';
import { comparePaths, entryState, ListingWriter, readListing, tickMs } from './listing.ts';
import type { WorkspaceView } from './workspace-view.ts';
import { mayWriteUnseen } from './writable-mappings.ts';

/** Milliseconds of looking at entries before other work gets its turn. */
const slice = 4;

/** Remembers how the workspace is now, in a listing beside it that the guest cannot reach. */
export async function markWorkspace(view: WorkspaceView, call: Call): Promise<string> {
  const { mark, writer } = await beginMark(view);
  using _ = writer;
  await listWritten({ ...view, written: listedDirectory(view) }, writer, new Pace(call));
  writer.finish();
  return mark;
}

/** Everything in the workspace, with a mark at its end. A file that may have changed unseen while it was read is told again. */
export async function* allEntries(
  view: WorkspaceView,
  call: Call,
): AsyncGenerator<ChangeEntry, string> {
  const { mark, writer } = await beginMark(view);
  using _ = writer;
  using workspace = new ConfinedDirectory(view.directory);
  const unsure = new Set<WalkedEntry>();
  const pace = new Pace(call);
  if (view.layer !== undefined) await listWritten(view, writer, pace);
  for (const entry of workspace.walk()) {
    if (pace.isDue) await pace.turn();
    if (view.layer === undefined) writer.add(entry);
    const told = changeEntry(view.directory, workspace, entry);
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
    const stat = orMissing(() => workspace.stat(path));
    yield stat ? changeEntry(view.directory, workspace, { path, stat }) : { path };
  }
  return mark;
}

/** Notes what the guest has written, before anything is read: what it writes later is a difference. */
async function listWritten(
  { written }: WorkspaceView,
  writer: ListingWriter,
  pace: Pace,
): Promise<void> {
  using upper = new ConfinedDirectory(written);
  for (const entry of upper.walk()) {
    if (pace.isDue) await pace.turn();
    writer.add(entry);
  }
}

/**
 * What differs in the workspace from what it was at a mark: at the least all that changed, and besides
 * what changed so shortly before the mark that the clock cannot tell.
 */
export async function* changesSince(
  view: WorkspaceView,
  mark: string,
  call: Call,
): AsyncGenerator<ChangeEntry, void> {
  yield* compare(view, markFile(view, mark), undefined, call);
}

/** The same, with a new mark at its end. */
export async function* advanceMark(
  view: WorkspaceView,
  mark: string,
  call: Call,
): AsyncGenerator<ChangeEntry, string> {
  const before = markFile(view, mark);
  const { mark: next, writer } = await beginMark(view);
  using _ = writer;
  yield* compare(view, before, writer, call);
  writer.finish();
  return next;
}

async function* compare(
  view: WorkspaceView,
  file: string,
  writer: ListingWriter | undefined,
  call: Call,
): AsyncGenerator<ChangeEntry, void> {
  using listed = new ConfinedDirectory(listedDirectory(view));
  const { layer } = view;
  using layers = layer === undefined ? undefined : new LayerChanges(view.directory, listed, layer);
  const before = readListing(file);
  const now = listed.walk();
  const pace = new Pace(call);
  try {
    let [old, seen] = [take(before), take(now)];
    while (old || seen) {
      if (pace.isDue) await pace.turn();
      const order = !old ? 1 : !seen ? -1 : comparePaths(old.text, seen.text);
      const state = seen && order >= 0 ? entryState(seen) : undefined;
      if (seen && order >= 0) writer?.add(seen, state);
      if (seen && order >= 0 && !(order === 0 && old?.state === state)) {
        const known = old && order === 0 ? { before: old } : {};
        if (layers) yield* layers.of({ text: seen.text, now: seen, ...known });
        else yield changeEntry(view.directory, listed, seen);
      } else if (old && order < 0) {
        if (layers) yield* layers.of({ text: old.text, before: old });
        else yield { path: Buffer.from(old.text, 'latin1') };
      }
      if (order <= 0) old = take(before);
      if (order >= 0) seen = take(now);
    }
  } finally {
    before.return();
    now.return();
  }
}

/** What marks are listings of. */
function listedDirectory({ directory, written, layer }: WorkspaceView): string {
  return layer === undefined ? directory : written;
}

/** A name for a new mark, and what writes it down. Everything that was written before is told apart by it from now on. */
async function beginMark({
  marks,
  written,
  main,
}: WorkspaceView): Promise<{ readonly mark: string; readonly writer: ListingWriter }> {
  const mark = randomBytes(12).toString('hex');
  mkdirSync(marks, { recursive: true, mode: 0o700 });
  const beganNs = BigInt(Date.now()) * 1_000_000n;
  // A page that a program has mapped and written to can be written to again, without a trace, until it is on disk.
  if (mayWriteUnseen(main)) {
    const { code, output } = await hostProcess.runProgram(['sync', '-f', written]);
    if (code !== 0) {
      const message = `the workspace could not be written to disk: ${output}`;
      throw new SandboxError('unavailable', message);
    }
  }
  return { mark, writer: new ListingWriter(path.join(marks, mark), beganNs) };
}

function markFile({ id, marks }: WorkspaceView, mark: string): string {
  const file = path.join(marks, mark);
  if (/^[0-9a-f]{24}$/.test(mark) && existsSync(file)) return file;
  const message = `${JSON.stringify(mark)} is no mark of sandbox ${id}; take one with mark`;
  throw new SandboxError('not-found', message, { details: { mark } });
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
