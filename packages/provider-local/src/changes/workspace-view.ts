import path from 'node:path';
import { hostProcess, type ProcessIdentity } from '@gantry/core/node';
import { layerPath } from '../fork/layer-family.ts';
import { ownWorkspace } from '../fork/layered-workspace.ts';
import type { RunningRecord } from '../sandbox-record.ts';
import type { StateDirectory } from '../state-directory.ts';

/** How the host sees a sandbox's workspace. */
export interface WorkspaceView {
  readonly id: string;
  /** Where the listings of marks are kept; the guest cannot reach it. */
  readonly marks: string;
  /** The workspace as the guest has it. */
  readonly directory: string;
  /** Where the guest's writes are. */
  readonly written: string;
  /** The sandbox's first process, which every other one of it descends from. */
  readonly main: ProcessIdentity;
  /** The one layer below them, where what was written since the start tells all that is different from it. */
  readonly layer?: string;
}

/** Layers by whether a file in them has several names. They never change. */
const shared = new Map<string, Promise<boolean>>();

/** The view of a workspace that is a directory, or an overlay, which is mounted in the sandbox alone. */
export async function workspaceView(
  state: StateDirectory,
  record: RunningRecord,
): Promise<WorkspaceView> {
  const paths = state.sandbox(record.id);
  const marks = path.join(paths.directory, 'marks');
  const written = ownWorkspace(paths, record);
  const { id, layers, main } = record;
  if (!layers) return { id, marks, main, directory: written, written };
  // The mount of the sandbox's first process, which no guest can replace.
  const directory = path.join(`/proc/${main.pid}/root`, 'workspace');
  const view = { id, marks, main, directory, written };
  const [first = '', ...more] = layers.names;
  const layer = layerPath(state, layers.family, first);
  const simple = more.length === 0 && !(await hasLinkedFiles(layer));
  return simple ? { ...view, layer } : view;
}

/** A file with several names changes under all of them, and only those that were used are in the layer of writes. */
function hasLinkedFiles(layer: string): Promise<boolean> {
  const known = shared.get(layer) ?? findLinkedFile(layer);
  shared.set(layer, known);
  return known;
}

async function findLinkedFile(layer: string): Promise<boolean> {
  const { code, output } = await hostProcess.runProgram([
    'find',
    layer,
    '-type',
    'f',
    '-links',
    '+1',
    '-print',
    '-quit',
  ]);
  return code !== 0 || output !== '';
}
