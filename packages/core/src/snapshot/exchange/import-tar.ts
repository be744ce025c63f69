import type { OperationOptions } from '../../contract/call.ts';
import type { SnapshotStore } from '../../contract/snapshot-store.ts';
import type {
  RestoreLimits,
  SnapshotProgress,
  TakenSnapshot,
} from '../../contract/snapshot-types.ts';
import type { BytePath } from '../../manifest/byte-path.ts';
import { bytePath } from '../../manifest/byte-path.ts';
import { uncompressed } from '../../manifest/open-archive.ts';
import { safeTree } from '../../manifest/safe-tree.ts';
import { readTar } from '../../manifest/tar-reader.ts';
import type { TarEntry } from '../../manifest/tar-types.ts';
import { operate } from '../../provider/operate.ts';
import { secretScanner } from '../capture/secret-scanner.ts';
import { WorkspaceRecorder } from '../capture/workspace-recorder.ts';
import { ProgressReporter } from '../progress.ts';
import { ObjectWriter } from '../repository/object-writer.ts';
import { openRepository } from '../repository/open-repository.ts';
import { writeIndexOf } from '../repository/write-index.ts';
import { TreeEditor } from '../tree/tree-editor.ts';

const operation = 'importTar';
const defaultLimits = { maxBytes: 64 * 1024 ** 3, maxEntries: 4_000_000 };

/** How a tar file is taken in. */
export interface ImportOptions extends OperationOptions {
  /** Of the unpacked file. More is `resource-exhausted`. */
  readonly limits?: RestoreLimits;
  /** Takes what is below this directory of the tar file, as the workspace. Default: everything. */
  readonly directory?: string;
  /** The file's name, for errors. */
  readonly name?: string;
  readonly onProgress?: (progress: SnapshotProgress) => void;
}

/**
 * A snapshot of a tar file (plain, gzip or zstd, told apart by its contents), which may be hostile: absolute names, names that
 * climb, that go through a link or come twice, and devices are `failed-precondition`, and a damaged file is `data-loss`. Nothing
 * of it is unpacked on the host.
 */
export function importTar(
  tar: AsyncIterable<Uint8Array>,
  store: SnapshotStore,
  options: ImportOptions = {},
): Promise<TakenSnapshot> {
  return operate({ operation }, options, async (call) => {
    const repository = await openRepository(store, call, { create: true });
    const writer = new ObjectWriter(repository, undefined, call);
    const editor = new TreeEditor();
    const progress = new ProgressReporter(options.onProgress);
    const recorder = new WorkspaceRecorder(editor, writer, secretScanner([]), progress);
    const name = options.name ?? 'the tar file';
    const tree = safeTree(name, operation, { fileRoot: false, laterModes: true });
    const limits = { ...defaultLimits, ...options.limits };
    for await (const entry of readTar(uncompressed(stoppable(tar), name, operation), limits)) {
      const { path, linkedTo } = tree.add(entry);
      const at = below(path, options.directory);
      const first = linkedTo === undefined ? undefined : below(linkedTo, options.directory);
      if (at !== undefined && at !== '') await record(entry, at, first, recorder);
    }
    await recorder.linkNames();
    await writer.endContents();
    const root = await editor.commit(writer);
    const objects = await writer.finish();
    const { facts, filesRead, bytesRead } = recorder;
    const contents = {
      objects,
      source: { kind: 'none' },
      facts,
      removed: new Set<string>(),
    } as const;
    const index = await writeIndexOf(repository, undefined, contents, call);
    const written = await repository.writeSnapshot(
      {
        spec: 'gantry-snapshot/1',
        tree: root,
        index: index.chain.id,
        takenAt: Date.now(),
        evidence: 'bytes',
        contents: editor.contents,
        ...{ notCaptured: [], skipped: [], changing: [] },
      },
      call,
    );
    const { stored } = writer;
    const metadataBytes = stored.metadata + index.bytes + written.bytes;
    return {
      ...written.snapshot,
      work: { filesRead, bytesRead, bytesStored: stored.contents, metadataBytes },
    };
  });
}

async function record(
  entry: TarEntry,
  path: BytePath,
  first: BytePath | undefined,
  recorder: WorkspaceRecorder,
): Promise<void> {
  const { mode, modifiedSeconds } = entry;
  const facts = { path, mode, modifiedNs: BigInt(modifiedSeconds) * 1_000_000_000n, state: '' };
  if (entry.type === 'directory') await recorder.directory(facts);
  else if (entry.type === 'file') await recorder.file(facts, entry.contents);
  else if (entry.type === 'symlink') {
    await recorder.symlink(facts, entry.linkTarget ?? new Uint8Array(0));
  } else if (first !== undefined) await recorder.link(facts, first);
}

function below(path: BytePath, directory: string | undefined): BytePath | undefined {
  if (directory === undefined) return path;
  const root = bytePath(directory);
  if (path === root) return '';
  return path.startsWith(`${root}/`) ? path.slice(root.length + 1) : undefined;
}

async function* stoppable(
  tar: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  yield* tar;
}
