import type {
  ChangeEntry,
  DriverCapabilities,
  DriverHandle,
} from '../../contract/sandbox-driver.ts';
import { SandboxError } from '../../errors/sandbox-error.ts';
import { runScript, streamScript } from '../../files/run-script.ts';
import { bytePath, type BytePath } from '../../manifest/byte-path.ts';
import { workspacePath } from '../../provider/session.ts';
import { type CaptureContext, isExcluded } from './capture-context.ts';
import { captureByListing } from './capture-by-listing.ts';
import { recordTar } from './record-tar.ts';
import type { EntryFacts } from './workspace-recorder.ts';

/** What the driver knows of changes. */
type Changes = NonNullable<DriverCapabilities<DriverHandle>['changes']>;

/** How a capture by changes ended. */
export interface ChangesCapture {
  /** For the next one. */
  readonly mark: string;
  /** Paths of files that changed each time they were read. */
  readonly changing: readonly BytePath[];
}

const operation = 'snapshot';
/** How often what changed while it was read is read again. */
const rounds = 3;

/** Takes down what changed since a mark, as the host reads it. */
export async function captureSince(
  context: CaptureContext,
  changes: Changes,
  mark: string,
): Promise<ChangesCapture> {
  let next = mark;
  for (let round = 1; ; round += 1) {
    const taken = await takeChanges(context, changes, next);
    next = taken.mark;
    if (taken.aborted === undefined) return { mark: next, changing: [] };
    // What changed while it was read is told again by the next look.
    if (round === rounds) throw taken.aborted;
  }
}

/** Takes down everything: the host reads it, or `tar` in the sandbox sends it and the host reads again what changed meanwhile. */
export async function captureAndMark(
  context: CaptureContext,
  changes: Changes,
): Promise<ChangesCapture> {
  const { session, call } = context;
  if (changes.all) {
    const { mark, aborted } = await takeTold(context, changes.all(session.handle, call));
    if (aborted === undefined) return { mark, changing: [] };
    return captureSince(context, changes, mark);
  }
  let mark = await changes.mark(session.handle, call);
  try {
    await takeEverything(context);
  } catch (error) {
    // The sandbox's tar program cannot go that deep in one go: programs in the sandbox list what there is, part by part.
    if (!SandboxError.is(error) || error.details['reason'] !== 'name-too-long') throw error;
    await captureByListing(context, new Map());
  }
  let changing: readonly BytePath[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    const taken = await takeChanges(context, changes, mark);
    mark = taken.mark;
    changing = taken.files;
    if (taken.aborted === undefined && taken.files.length === 0) break;
    if (taken.aborted !== undefined && round === rounds) throw taken.aborted;
  }
  return { mark, changing };
}

async function takeEverything(context: CaptureContext): Promise<void> {
  const { session, recorder, excluded, call } = context;
  const { signal } = call;
  const { archive } = session.driver;
  const tar = archive
    ? await archive.get(session.handle, session.workspace, call)
    : await streamScript(
        session,
        { operation, script: 'packTree', path: workspacePath },
        { signal },
      );
  await recordTar(tar, recorder, {
    prefixed: archive !== undefined,
    root: '',
    facts(path, { mode, modifiedSeconds }) {
      if (isExcluded(path, excluded)) return undefined;
      return { path, mode, modifiedNs: BigInt(modifiedSeconds) * 1_000_000_000n, state: '' };
    },
  });
  // No tar holds a socket; each must be told all the same.
  const look = { operation, script: 'sockets', path: workspacePath } as const;
  const names = Buffer.from(await runScript(session, look, { signal })).toString('latin1');
  for (const name of names.split('\0')) {
    const path = name.slice('./'.length);
    if (path !== '' && !isExcluded(path, excluded)) await recorder.skip(path, 'socket');
  }
}

interface TakenChanges {
  readonly mark: string;
  readonly files: readonly BytePath[];
  /** The first file that changed while it was read. */
  readonly aborted?: SandboxError;
}

async function takeChanges(
  context: CaptureContext,
  changes: Changes,
  mark: string,
): Promise<TakenChanges> {
  const { session, call } = context;
  if (changes.advance) return takeTold(context, changes.advance(session.handle, mark, call));
  // Marked first: what changes between the two looks is told twice, never not at all.
  const next = await changes.mark(session.handle, call);
  return takeTold(context, endingIn(changes.since(session.handle, mark, call), next));
}

async function* endingIn(
  entries: AsyncIterable<ChangeEntry>,
  mark: string,
): AsyncGenerator<ChangeEntry, string, void> {
  yield* entries;
  return mark;
}

async function takeTold(
  { recorder, excluded }: CaptureContext,
  entries: AsyncGenerator<ChangeEntry, string, void>,
): Promise<TakenChanges> {
  const files: BytePath[] = [];
  let aborted: SandboxError | undefined;
  try {
    for (;;) {
      const step = await entries.next();
      if (step.done === true) {
        return { mark: step.value, files, ...(aborted === undefined ? {} : { aborted }) };
      }
      const change = step.value;
      const path = bytePath(change.path);
      if (path === '' || isExcluded(path, excluded)) continue;
      if (change.stat?.type === 'file') files.push(path);
      try {
        await record(change, path, recorder);
      } catch (error) {
        if (!SandboxError.is(error) || error.code !== 'aborted') throw error;
        aborted ??= error;
      }
    }
  } finally {
    await entries.return('');
  }
}

async function record(
  { stat, identity, open }: ChangeEntry,
  path: BytePath,
  recorder: CaptureContext['recorder'],
): Promise<void> {
  if (stat === undefined) return recorder.remove(path);
  const facts: EntryFacts = {
    path,
    mode: stat.mode,
    modifiedNs: BigInt(Math.round(stat.modifiedMs * 1_000)) * 1_000n,
    state: '',
    ...(identity === undefined ? {} : { identity }),
  };
  if (stat.type === 'directory') return recorder.directory(facts);
  if (stat.type === 'symlink') return recorder.symlink(facts, stat.target ?? new Uint8Array(0));
  if (stat.type !== 'file') return recorder.skip(path, stat.type);
  if (identity !== undefined && (await recorder.knownLink({ ...facts, identity }))) return;
  if (open === undefined) {
    throw new SandboxError('internal', 'the provider tells of a changed file and not its contents');
  }
  const contents = open();
  return contents instanceof Uint8Array
    ? recorder.wholeFile(facts, contents)
    : recorder.file(facts, contents);
}
