import type { Call, OperationOptions } from '../contract/call.ts';
import type { Capabilities } from '../contract/capabilities.ts';
import type { CollectReceipt, Manifest, MaterializeReceipt } from '../contract/manifest-types.ts';
import type { MountRequest } from '../contract/sandbox-driver.ts';
import type { ApplyOptions, CollectOptions } from '../contract/sandbox.ts';
import { SandboxError } from '../errors/sandbox-error.ts';
import type { WorkspaceTarget } from '../manifest/workspace-target.ts';
import type { Session } from './session.ts';

// PLACEHOLDER until the manifest module lands; replaced before the first commit.
export interface Prepared {
  readonly mounts: readonly MountRequest[];
}
export async function prepareManifest(
  _p: string,
  _c: Capabilities,
  manifest: Manifest | undefined,
  _o: ApplyOptions,
  _call: Call,
): Promise<Prepared | undefined> {
  if (manifest === undefined) return undefined;
  throw new SandboxError('unsupported', 'manifests are not wired yet');
}
export async function materializePrepared(
  _plan: Prepared,
  _t: WorkspaceTarget,
  _call: Call,
): Promise<MaterializeReceipt> {
  throw new SandboxError('unsupported', 'manifests are not wired yet');
}
export async function applyManifest(
  _s: Session,
  _m: Manifest,
  _o: ApplyOptions,
): Promise<MaterializeReceipt> {
  throw new SandboxError('unsupported', 'manifests are not wired yet');
}
export async function collect(
  _s: Session,
  _m: Manifest | undefined,
  _d: string,
  _o: CollectOptions & OperationOptions,
): Promise<CollectReceipt> {
  throw new SandboxError('unsupported', 'manifests are not wired yet');
}
