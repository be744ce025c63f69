import { SandboxError } from '../../errors/sandbox-error.ts';
import type { BytePath } from '../../manifest/byte-path.ts';
import { bytePath, joinPath, pathText } from '../../manifest/byte-path.ts';
import { readTar, type TarReading } from '../../manifest/tar-reader.ts';
import type { TarEntry } from '../../manifest/tar-types.ts';
import { isName } from '../format/tree-node.ts';
import type { EntryFacts, WorkspaceRecorder } from './workspace-recorder.ts';

/** How a tar from a sandbox is taken down. */
export interface TarRecording {
  /** Whether names start with a directory of the sandbox, which stands for the section's root. */
  readonly prefixed: boolean;
  /** Where in the workspace the tar was made. */
  readonly root: BytePath;
  /** What is known of a path; `undefined` leaves it out. */
  facts(path: BytePath, entry: TarEntry): EntryFacts | undefined;
  /** Hears of each entry that was taken down. */
  onRecorded?(path: BytePath): void;
}

/** A sandbox cannot make the host read without end; the limits that hold are the store's and the provider's. */
const limits = { maxBytes: Number.MAX_SAFE_INTEGER, maxEntries: 4_000_000 };

/**
 * Takes down every entry of a tar that was made in a sandbox: bytes go to the store as they arrive. A name that could lead out
 * of a workspace is `failed-precondition`: no honest `tar` writes one.
 */
export async function recordTar(
  tar: AsyncIterable<Uint8Array>,
  recorder: WorkspaceRecorder,
  how: TarRecording,
): Promise<void> {
  const special: [BytePath, Parameters<NonNullable<TarReading['onSpecial']>>[0]][] = [];
  const reading: TarReading = {
    concatenated: true,
    onSpecial: (type, name) => special.push([workspacePathOf(name, how), type]),
  };
  const targets = new Map<BytePath, Uint8Array>();
  for await (const told of readTar(tar, limits, reading)) {
    const path = workspacePathOf(told.path, how);
    if (path === how.root) continue;
    const entry = symlinkOf(told, targets, how);
    if (entry.type === 'symlink' && entry.linkTarget) targets.set(path, entry.linkTarget);
    const facts = how.facts(path, entry);
    if (facts === undefined) continue;
    await recordEntry(entry, facts, recorder, how);
    how.onRecorded?.(path);
  }
  for (const [path, type] of special) await recorder.skip(path, type);
}

/** A symlink's other name is one more symlink: tar programs call it a hard link, too. */
function symlinkOf(
  entry: TarEntry,
  targets: ReadonlyMap<BytePath, Uint8Array>,
  how: TarRecording,
): TarEntry {
  if (entry.type !== 'hardlink') return entry;
  const linkTarget = targets.get(workspacePathOf(entry.linkTarget ?? new Uint8Array(0), how));
  return linkTarget === undefined ? entry : { ...entry, type: 'symlink', linkTarget };
}

async function recordEntry(
  entry: TarEntry,
  facts: EntryFacts,
  recorder: WorkspaceRecorder,
  how: TarRecording,
): Promise<void> {
  switch (entry.type) {
    case 'file':
      return entry.bytes
        ? recorder.wholeFile(facts, entry.bytes)
        : recorder.file(facts, entry.contents);
    case 'directory':
      return recorder.directory(facts);
    case 'symlink':
      return recorder.symlink(facts, entry.linkTarget ?? new Uint8Array(0));
    case 'hardlink':
      return recorder.link(facts, workspacePathOf(entry.linkTarget ?? new Uint8Array(0), how));
  }
}

function workspacePathOf(
  name: Uint8Array,
  { prefixed, root }: Pick<TarRecording, 'prefixed' | 'root'>,
): BytePath {
  const parts = bytePath(name)
    .split('/')
    .filter((part, index) => part !== '.' && !(part === '' && index > 0));
  if (prefixed) parts.shift();
  if (parts.every(isName)) return joinPath(root, parts.join('/'));
  const text = pathText(bytePath(name));
  throw new SandboxError(
    'failed-precondition',
    `the tar from the sandbox has the name ${text}, which leads out of the workspace; is its tar program sound?`,
    { operation: 'snapshot', details: { path: text } },
  );
}
