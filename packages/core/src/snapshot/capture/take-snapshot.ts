import type { Call } from '../../contract/call.ts';
import type { DriverHandle } from '../../contract/sandbox-driver.ts';
import type { SnapshotStore } from '../../contract/snapshot-store.ts';
import type {
  Evidence,
  NotCaptured,
  Snapshot,
  SnapshotOptions,
  TakenSnapshot,
} from '../../contract/snapshot-types.ts';
import { nameBytes } from '../../manifest/byte-name.ts';
import type { BytePath } from '../../manifest/byte-path.ts';
import { bytePath, pathText } from '../../manifest/byte-path.ts';
import { unsupported } from '../../provider/capabilities.ts';
import type { Session } from '../../provider/session.ts';
import type { CompareSource, PathFacts } from '../format/snapshot-index.ts';
import { snapshotId } from '../format/snapshot-record.ts';
import type { IndexChain } from '../repository/index-chain.ts';
import { ObjectReader } from '../repository/object-reader.ts';
import { ObjectWriter } from '../repository/object-writer.ts';
import { openRepository } from '../repository/open-repository.ts';
import type { Repository } from '../repository/repository.ts';
import { writeIndexOf } from '../repository/write-index.ts';
import { ProgressReporter } from '../progress.ts';
import { TreeEditor } from '../tree/tree-editor.ts';
import { lastPruning } from '../upkeep/prune-lock.ts';
import { captureAndMark, captureSince } from './capture-by-changes.ts';
import { captureByListing } from './capture-by-listing.ts';
import type { CaptureContext } from './capture-context.ts';
import { requireWhole } from './require-whole.ts';
import { secretScanner } from './secret-scanner.ts';
import { WorkspaceRecorder } from './workspace-recorder.ts';

/** What a snapshot never holds. */
const notCaptured: readonly NotCaptured[] = ['processes', 'memory', 'ports', 'mounts'];

/** What a sandbox's workspace was at some moment, where no store has it: after it was rehydrated. */
export interface WorkspaceBase {
  readonly snapshot: string;
  readonly source: CompareSource;
  readonly facts: ReadonlyMap<BytePath, PathFacts>;
}

const bases = new WeakMap<DriverHandle, WorkspaceBase>();

/** Lets the next snapshot of this object's sandbox travel light, with the snapshot that it was made of as its parent. */
export function rememberBase(handle: DriverHandle, base: WorkspaceBase): void {
  bases.set(handle, base);
}

/** What a snapshot says beside what is found in the workspace. */
export interface SnapshotSubject {
  readonly session: Session;
  /** Paths of mounts in the workspace. */
  readonly mounts: readonly string[];
  readonly plan?: string;
}

/** Takes a snapshot of a workspace into a store. Its record is written last: until then the store is as it was. */
export async function takeSnapshot(
  { session, mounts, plan }: SnapshotSubject,
  store: SnapshotStore,
  options: SnapshotOptions,
  call: Call,
): Promise<TakenSnapshot> {
  const repository = await openRepository(store, call, { create: true });
  const pruned = await lastPruning(store, call);
  const scanner = secretScanner(options.acknowledgeSecrets === true ? [] : (options.secrets ?? []));
  const parent =
    options.parent === undefined
      ? undefined
      : await repository.readSnapshot(snapshotId(options.parent), call);
  const chain = parent && (await repository.readIndex(parent.index, call));
  const comparison = compare(session, options.evidence, parent, chain);
  const writer = new ObjectWriter(repository, chain, call);
  const editor = startingTree(repository, parent, chain, comparison, call);
  const recorder = new WorkspaceRecorder(
    editor,
    writer,
    scanner,
    new ProgressReporter(options.onProgress),
  );
  if (comparison.evidence === 'host-layer' && parent) {
    for (const entry of parent.skipped)
      recorder.skipped.set(bytePath(nameBytes(entry.path)), entry);
  }
  const excluded = mounts.map((path) => bytePath(path));
  const context: CaptureContext = { session, recorder, excluded, call };
  const captured = await capture(context, comparison);
  await recorder.linkNames();
  await writer.endContents();
  const tree = await editor.commit(writer);
  const objects = await writer.finish();
  const { source, changing } = captured;
  const { facts } = recorder;
  if (comparison.evidence === 'guest-metadata' && comparison.ownStates && chain) {
    keepStates(facts, recorder.removed, comparison.states, chain.facts());
  }
  const removed = comparison.evidence === 'bytes' ? 'rest' : recorder.removed;
  const index = await writeIndexOf(repository, chain, { objects, source, facts, removed }, call);
  const written = await repository.writeSnapshot(
    {
      spec: 'gantry-snapshot/1',
      tree,
      index: index.chain.id,
      ...(parent === undefined ? {} : { parent: parent.id }),
      ...(plan === undefined ? {} : { plan }),
      takenAt: Date.now(),
      source: { provider: session.driver.id, sandbox: session.handle.ref.id },
      evidence: comparison.evidence,
      contents: editor.contents,
      notCaptured,
      skipped: [...recorder.skipped.values()],
      changing: changing.map(pathText),
    },
    call,
  );
  await requireWhole(repository, written.snapshot, pruned, call);
  const { filesRead, bytesRead } = recorder;
  const { stored } = writer;
  return {
    ...written.snapshot,
    work: {
      filesRead,
      bytesRead,
      bytesStored: stored.contents,
      metadataBytes: stored.metadata + index.bytes + written.bytes,
    },
  };
}

/** How a workspace will be compared with what is known of it. */
type Comparison =
  /** Not at all: everything is read. `base` says what the next snapshot shall be compared with. */
  | { readonly evidence: 'bytes'; readonly base: 'mark' | 'listing' }
  | { readonly evidence: 'host-layer'; readonly mark: string }
  | {
      readonly evidence: 'guest-metadata';
      readonly states: ReadonlyMap<BytePath, string>;
      /** Whether no index has these states: those in the parent's are of the sandbox that it was taken of. */
      readonly ownStates: boolean;
    };

function compare(
  session: Session,
  wanted: Evidence | undefined,
  parent: Snapshot | undefined,
  chain: IndexChain | undefined,
): Comparison {
  const { driver, handle, capabilities } = session;
  const marks = driver.changes !== undefined && capabilities.changes?.evidence === 'host-layer';
  if (wanted === 'host-layer' && !marks) {
    throw unsupported(driver.id, 'snapshot with evidence host-layer', 'changes');
  }
  const base = marks && wanted !== 'guest-metadata' ? 'mark' : 'listing';
  if (wanted === 'bytes' || !parent || !chain) return { evidence: 'bytes', base };
  const kept = bases.get(handle);
  const own = kept?.snapshot === parent.id ? kept : undefined;
  const source = own?.source ?? chain.document.source;
  const same = source.kind !== 'none' && source.sandbox === sandboxName(session);
  if (same && source.kind === 'mark' && base === 'mark') {
    return { evidence: 'host-layer', mark: source.mark };
  }
  if (!same || source.kind !== 'listing' || base !== 'listing') return { evidence: 'bytes', base };
  const facts = own?.facts ?? chain.facts();
  const states = new Map([...facts].map(([path, { state }]) => [path, state]));
  return { evidence: 'guest-metadata', states, ownStates: own !== undefined };
}

/** Writes down what the next snapshot will compare with, for entries that this one found unchanged. */
function keepStates(
  facts: Map<BytePath, PathFacts>,
  removed: ReadonlySet<BytePath>,
  states: ReadonlyMap<BytePath, string>,
  known: ReadonlyMap<BytePath, PathFacts>,
): void {
  for (const [path, state] of states) {
    if (facts.has(path) || removed.has(path)) continue;
    facts.set(path, { modifiedNs: known.get(path)?.modifiedNs ?? 0n, state });
  }
}

/** The sandbox that a mark or a listing is of. */
export function sandboxName({ driver, handle }: Session): string {
  return `${driver.id}:${handle.ref.id}`;
}

function startingTree(
  repository: Repository,
  parent: Snapshot | undefined,
  chain: IndexChain | undefined,
  { evidence }: Comparison,
  call: Call,
): TreeEditor {
  if (evidence === 'bytes' || !parent || !chain) return new TreeEditor();
  const reader = new ObjectReader(repository, chain, call);
  return new TreeEditor({ reader, tree: parent.tree, contents: parent.contents });
}

async function capture(
  context: CaptureContext,
  comparison: Comparison,
): Promise<{ readonly source: CompareSource; readonly changing: readonly BytePath[] }> {
  const { session } = context;
  const sandbox = sandboxName(session);
  const { changes } = session.driver;
  if (changes && comparison.evidence === 'host-layer') {
    const { mark, changing } = await captureSince(context, changes, comparison.mark);
    return { source: { kind: 'mark', sandbox, mark }, changing };
  }
  if (changes && comparison.evidence === 'bytes' && comparison.base === 'mark') {
    const { mark, changing } = await captureAndMark(context, changes);
    return { source: { kind: 'mark', sandbox, mark }, changing };
  }
  const states =
    comparison.evidence === 'guest-metadata' ? comparison.states : new Map<BytePath, string>();
  const changing = await captureByListing(context, states);
  return { source: { kind: 'listing', sandbox }, changing };
}
