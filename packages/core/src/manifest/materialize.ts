import type { Call } from '../contract/call.ts';
import type { MaterializeReceipt, ReceiptEntry } from '../contract/manifest-types.ts';
import { mergeItems } from './merge-items.ts';
import { refuseUnsupported } from './plan-manifest.ts';
import type { Plan } from './plan-types.ts';
import type { ResolvedManifest } from './resolve-manifest.ts';
import { runSetup } from './run-setup.ts';
import { sendArchive } from './send-archive.ts';
import { verifyWorkspace } from './verify-workspace.ts';
import type { PreparedSource } from './workspace-item.ts';
import { workspaceTar } from './workspace-tar.ts';
import type { SentDigests } from './workspace-tar.ts';
import type { WorkspaceTarget } from './workspace-target.ts';

const operation = 'manifest.materialize';

/**
 * Puts a resolved manifest's contents into a workspace: one archive in, one reading back, one call for all
 * setup commands; none of these for what the manifest has none of. A plan that refuses anything is
 * `unsupported` before that. What is read back must be what was sent, else `data-loss`; a source that
 * changed since it was resolved is `aborted`. A failure may leave a part in the workspace.
 */
export async function materialize(
  resolved: ResolvedManifest,
  plan: Plan,
  target: WorkspaceTarget,
  call: Call,
): Promise<MaterializeReceipt> {
  refuseUnsupported(plan, operation);
  const entries = await sendContents(resolved, target, call);
  const setup = await runSetup(target, resolved.manifest.setup ?? [], call);
  return {
    spec: 'gantry-receipt/1',
    manifestDigest: resolved.manifestDigest,
    planDigest: plan.digest,
    entries,
    commits: Object.fromEntries(
      resolved.sources.flatMap(({ path, commit }) =>
        commit === undefined ? [] : [[path, commit]],
      ),
    ),
    setup,
  };
}

async function sendContents(
  resolved: ResolvedManifest,
  target: WorkspaceTarget,
  call: Call,
): Promise<readonly ReceiptEntry[]> {
  await using stack = new AsyncDisposableStack();
  const prepared: PreparedSource[] = [];
  for (const source of resolved.sources) {
    prepared.push(stack.use(await source.prepare(call)));
  }
  const tree = mergeItems(
    resolved.sources.map(({ path }, index) => ({ path, items: prepared[index]?.items ?? [] })),
    operation,
  );
  if (tree.length === 0) return [];
  const sent: SentDigests = new Map();
  await sendArchive(workspaceTar(tree, prepared, sent, call), target, call);
  return await verifyWorkspace(target, tree, sent, call);
}
