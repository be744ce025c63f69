import path from 'node:path';
import { type Overlay, prepareOverlay, upperPath } from '../copy-on-write/overlay.ts';
import type { SandboxRecord } from '../sandbox-record.ts';
import type { SandboxPaths, StateDirectory } from '../state-directory.ts';
import { layerPath } from './layer-family.ts';

const name = 'workspace';

/** The overlay that is a sandbox's workspace, its directories made; `undefined` where the workspace is a directory of its own. */
export function layeredWorkspace(
  state: StateDirectory,
  { id, layers, uid }: SandboxRecord,
): Overlay | undefined {
  if (!layers) return undefined;
  const paths = layers.names.map((layer) => layerPath(state, layers.family, layer));
  return { ...prepareOverlay(state.sandbox(id).directory, name, paths, uid), exact: true };
}

/** Where on the host a sandbox's own writes to its workspace are. */
export function ownWorkspace(
  { directory, workspace }: SandboxPaths,
  { layers }: Pick<SandboxRecord, 'layers'>,
): string {
  return layers ? path.join(directory, upperPath(name)) : workspace;
}
