import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import type { MountRequest } from '@gantry/core/driver';
import { agentScript, laneFiles, laneNames } from '@gantry/core/node';
import { hostBase, rootfsBase } from './base-system.ts';
import { type Bind, bubblewrapArguments } from './bubblewrap-arguments.ts';
import {
  type WritableRoot,
  writableHostRoot,
  writableRootfs,
} from './copy-on-write/writable-root.ts';
import { dropLayerLinks, mergedPath } from './copy-on-write/overlay.ts';
import { layeredWorkspace } from './fork/layered-workspace.ts';
import { launch, type Launched } from './launch.ts';
import { type LaunchPlan, launchCommand, stagePath } from './launch-command.ts';
import { setProcessLimits } from './limits/process-limits.ts';
import { joinFiles, makeCgroups } from './limits/sandbox-cgroups.ts';
import { checkMainProcess } from './main-process.ts';
import type { SandboxRecord } from './sandbox-record.ts';
import { seccompFile } from './seccomp/filter-file.ts';
import type { SandboxPaths, StateDirectory } from './state-directory.ts';
import { syntheticEtc } from './synthetic-etc.ts';

/** Lanes whose FIFOs are made with the sandbox; more are made when more commands run at once. */
const lanesAtStart = 4;
/** The child's descriptors: 3 is bubblewrap's report. */
const infoDescriptor = 3;
const seccompDescriptor = 4;

/** A sandbox that runs, and the lanes that are prepared for its creator. */
export interface BuiltSandbox extends Launched {
  readonly lanes: readonly string[];
}

/** Permission bits of a sandbox's FIFOs: nobody but its user and its host gets as far as to them. */
export function fifoMode(record: Pick<SandboxRecord, 'uid'>): number {
  return record.uid === undefined ? 0o600 : 0o666;
}

/**
 * Makes the directories of a sandbox whose record is written, and starts it under every control.
 * On rejection no process of it is left; the directories stay for the caller to remove.
 */
export async function buildSandbox(
  state: StateDirectory,
  record: SandboxRecord,
  rootfs: string | undefined,
  mounts: readonly MountRequest[],
  signal: AbortSignal,
): Promise<BuiltSandbox> {
  const paths = state.sandbox(record.id);
  prepareDirectories(paths, record.uid);
  const { limits, cgroups = [] } = record;
  if (limits) makeCgroups(cgroups, limits);
  const stage = new Stage(paths, record.uid !== undefined);
  const binds = mounts.map(({ source, target, writable }): Bind => ({
    ...{ source: stage.path(source), target, writable },
  }));
  const lanes = laneNames(lanesAtStart);
  const seccomp = openSync(seccompFile(state, process.arch), 'r');
  using etc = rootfs === undefined ? syntheticEtc(state, seccompDescriptor + 1) : undefined;
  try {
    let writable: WritableRoot | undefined;
    if (record.root === 'copy-on-write') {
      writable =
        rootfs === undefined
          ? writableHostRoot(paths.directory, record.uid, (name) => stage.own(name))
          : writableRootfs(paths.directory, rootfs, record.uid);
    }
    const workspace = layeredWorkspace(state, record);
    const base =
      rootfs === undefined
        ? [...(writable?.base ?? hostBase()), ...(etc?.arguments ?? [])]
        : (writable?.base ?? rootfsBase(rootfs, stage.path(rootfs)));
    const plan: LaunchPlan = {
      directory: paths.directory,
      fifoMode: fifoMode(record),
      fifos: ['ctl', ...laneFiles(lanes)],
      lifetimeMs: record.expiresAt - Date.now(),
      join: joinFiles(cgroups),
      ...(limits?.diskBytes === undefined ? {} : { workspaceBytes: limits.diskBytes }),
      ...(record.uid === undefined ? {} : { uid: record.uid }),
      staged: stage.staged,
      overlays: [...(writable?.overlays ?? []), ...(workspace ? [workspace] : [])],
      bubblewrap: bubblewrapArguments({
        ...(writable === undefined ? {} : { root: stage.own(writable.root) }),
        base,
        binds,
        workspace: stage.own(workspace ? mergedPath(workspace.name) : 'workspace'),
        control: stage.own('control'),
        infoDescriptor,
        seccompDescriptor,
        ...(limits?.memoryBytes === undefined ? {} : { memoryBytes: limits.memoryBytes }),
      }),
    };
    const launched = await launch(
      launchCommand(plan),
      [seccomp, ...(etc?.descriptors ?? [])],
      signal,
    );
    try {
      checkMainProcess(launched.main.pid, record.uid ?? statSync('/proc/self').uid);
      await setProcessLimits(launched.main.pid, record);
      dropLayerLinks(paths.directory, plan.overlays);
    } catch (error) {
      await launched.abandon();
      throw error;
    }
    return { ...launched, lanes };
  } finally {
    closeSync(seccomp);
  }
}

function prepareDirectories(paths: SandboxPaths, uid: number | undefined): void {
  // A sandbox that was suspended has its workspace, as the guest left it.
  const kept = existsSync(paths.workspace);
  if (!kept) mkdirSync(paths.workspace);
  mkdirSync(paths.control);
  writeFileSync(path.join(paths.control, 'agent'), agentScript);
  // Whatever the umask: the sandbox's own uid has to get through, and others get as far as the
  // closed directory above.
  for (const directory of [paths.directory, paths.control, ...(kept ? [] : [paths.workspace])]) {
    chmodSync(directory, 0o755);
  }
  chmodSync(path.join(paths.control, 'agent'), 0o644);
  if (uid !== undefined && !kept) chownSync(paths.workspace, uid, uid);
}

/** Where bubblewrap finds things: by their own paths, or as root by what the launcher has bound. */
class Stage {
  readonly staged: { source: string; target: string }[] = [];
  readonly #paths: SandboxPaths;
  readonly #bound: boolean;

  constructor(paths: SandboxPaths, bound: boolean) {
    this.#paths = paths;
    this.#bound = bound;
    if (bound) {
      mkdirSync(path.join(paths.directory, 'mounts'), { mode: 0o755 });
      chmodSync(path.join(paths.directory, 'mounts'), 0o755);
    }
  }

  /** Something of the sandbox's own directory. */
  own(name: string): string {
    return path.join(this.#bound ? stagePath : this.#paths.directory, name);
  }

  /** Something else of the host. */
  path(source: string): string {
    if (!this.#bound) return source;
    const name = path.join('mounts', String(this.staged.length));
    const target = path.join(this.#paths.directory, name);
    if (statSync(source).isDirectory()) mkdirSync(target);
    else writeFileSync(target, '');
    this.staged.push({ source, target });
    return path.join(stagePath, name);
  }
}
