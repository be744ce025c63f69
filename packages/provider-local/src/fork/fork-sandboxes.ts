import { chmodSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import type { Call, CreateRequest } from '@gantry/core/driver';
import { SandboxError } from '@gantry/core/driver';
import { hostProcess } from '@gantry/core/node';
import { hostLimits, planLimits } from '../limits/plan-limits.ts';
import {
  newRecord,
  type RunningRecord,
  type SandboxRecord,
  type WorkspaceLayers,
} from '../sandbox-record.ts';
import { reserveUid } from '../sandbox-uid.ts';
import type { StateDirectory } from '../state-directory.ts';
import { joinFamily, layerPath, leaveFamily, makeFamily, newLayer } from './layer-family.ts';
import { ownWorkspace } from './layered-workspace.ts';

/** Clones that are made at once: more only wait for one another. */
const atOnce = 4;
/** Layers on top of each other; then all is copied. The mount option that names them is limited to one page. */
const mostLayers = 24;

/**
 * Clones of a running sandbox. What it has in its workspace is copied once, into a layer that nobody writes to, and each clone
 * copies on write from there. Of a sandbox that is a clone itself, only its own changes are copied. What runs in the
 * source meanwhile goes on, so a file may be caught while it is written.
 */
export async function forkSandboxes<Handle>(
  state: StateDirectory,
  source: RunningRecord,
  requests: readonly CreateRequest[],
  call: Call,
  start: (record: SandboxRecord, call: Call) => Promise<Handle>,
): Promise<readonly PromiseSettledResult<Handle>[]> {
  const frozen = await freezeWorkspace(state, source, call);
  // Holds the layers until the clones do.
  const hold = `fork-${newLayer()}`;
  joinFamily(state, frozen.layers.family, hold);
  try {
    return await inTurns(requests, async (request) => {
      const record = cloneRecord(source, request, frozen);
      joinFamily(state, frozen.layers.family, record.id);
      return start(record, call);
    });
  } finally {
    await leaveFamily(state, frozen.layers.family, hold);
  }
}

interface Frozen {
  readonly layers: WorkspaceLayers;
  readonly uid?: number;
}

/** Copies what a sandbox itself has written into a new layer, or all of its workspace where that does not stand alone. */
async function freezeWorkspace(
  state: StateDirectory,
  source: RunningRecord,
  call: Call,
): Promise<Frozen> {
  const own = ownWorkspace(state.sandbox(source.id), source);
  const { layers: before } = source;
  call.signal.throwIfAborted();
  if (before && before.names.length < mostLayers && !(await hasSharedFiles(own))) {
    const layer = await copy(state, before.family, own);
    const layers = { family: before.family, names: [layer, ...before.names] };
    return { layers, ...(source.uid === undefined ? {} : { uid: source.uid }) };
  }
  const family = makeFamily(state);
  const workspace = before ? path.join(`/proc/${source.main.pid}/root`, 'workspace') : own;
  const layers = { family, names: [await copy(state, family, workspace)] };
  if (source.uid === undefined) return { layers };
  // The clones have a uid of their own: the source's goes to others once it is destroyed.
  const uid = reserveUid(state, family);
  await run([
    'chown',
    '-hR',
    `${uid}:${uid}`,
    '--',
    layerPath(state, family, layers.names[0] ?? ''),
  ]);
  return { layers, uid };
}

async function copy(state: StateDirectory, family: string, from: string): Promise<string> {
  const layer = newLayer();
  const target = layerPath(state, family, layer);
  mkdirSync(target, { mode: 0o755 });
  chmodSync(target, 0o755);
  await run(['cp', '-a', '--reflink=auto', '--', `${from}/.`, target]);
  return layer;
}

/** A file with several names may have some of them in the layers below, which only its own overlay knows. */
async function hasSharedFiles(upper: string): Promise<boolean> {
  const find = ['find', upper, '-type', 'f', '-links', '+1', '-print', '-quit'] as const;
  const { code, output } = await hostProcess.runProgram([...find]);
  return code !== 0 || output !== '';
}

function cloneRecord(
  source: SandboxRecord,
  request: CreateRequest,
  { layers, uid }: Frozen,
): SandboxRecord {
  const { pids, cpus, memoryBytes } = source.limits ?? {};
  const resources = {
    ...(pids === undefined ? {} : { pids }),
    ...(cpus === undefined ? {} : { cpus }),
    ...(memoryBytes === undefined ? {} : { memoryBytes }),
  };
  return {
    ...newRecord(request, 'process'),
    limits: planLimits(resources, hostLimits()),
    env: { ...source.env, ...request.env },
    root: source.root,
    ...(source.rebuild === undefined ? {} : { rebuild: source.rebuild }),
    layers,
    ...(uid === undefined ? {} : { uid }),
  };
}

async function run(command: [string, ...string[]]): Promise<void> {
  const { code, output } = await hostProcess.runProgram(command);
  if (code === 0) return;
  throw new SandboxError('unavailable', `the workspace could not be copied: ${output}`);
}

async function inTurns<Handle>(
  requests: readonly CreateRequest[],
  make: (request: CreateRequest) => Promise<Handle>,
): Promise<PromiseSettledResult<Handle>[]> {
  const results: PromiseSettledResult<Handle>[] = [];
  const queue = requests.entries();
  const work = async (): Promise<void> => {
    for (const [index, request] of queue) {
      const [settled] = await Promise.allSettled([make(request)]);
      results[index] = settled;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return results;
}
