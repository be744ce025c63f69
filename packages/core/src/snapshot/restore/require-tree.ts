import type { Call } from '../../contract/call.ts';
import type { Snapshot } from '../../contract/snapshot-types.ts';
import { SandboxError } from '../../errors/sandbox-error.ts';
import type { BytePath } from '../../manifest/byte-path.ts';
import type { Session } from '../../provider/session.ts';
import { captureByListing } from '../capture/capture-by-listing.ts';
import { secretScanner } from '../capture/secret-scanner.ts';
import { WorkspaceRecorder } from '../capture/workspace-recorder.ts';
import { ProgressReporter } from '../progress.ts';
import { ObjectWriter } from '../repository/object-writer.ts';
import type { Repository } from '../repository/repository.ts';
import { TreeEditor } from '../tree/tree-editor.ts';

/** Reads a whole workspace, stores nothing, and throws `data-loss` unless it has a snapshot's digest. */
export async function requireTree(
  session: Session,
  repository: Repository,
  snapshot: Snapshot,
  call: Call,
): Promise<void> {
  const editor = new TreeEditor();
  const writer = new ObjectWriter(repository, undefined, call, { store: false });
  const progress = new ProgressReporter(undefined);
  const recorder = new WorkspaceRecorder(editor, writer, secretScanner([]), progress);
  const context = { session, recorder, excluded: [], call };
  await captureByListing(context, new Map<BytePath, string>());
  await recorder.linkNames();
  const tree = await editor.commit(writer);
  if (tree === snapshot.tree) return;
  throw new SandboxError(
    'data-loss',
    `the workspace did not come back as it was: its digest is ${tree}, the snapshot's is ${snapshot.tree}`,
    { operation: 'rehydrate', details: { reason: 'tree', expected: snapshot.tree, actual: tree } },
  );
}
