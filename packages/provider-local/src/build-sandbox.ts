import { chmodSync, chownSync, existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { MountRequest } from '@gantry/core/driver';
import { hostBase, rootfsBase } from './base-system.ts';
import { type Bind, bubblewrapArguments } from './bubblewrap-arguments.ts';
import {
  type WritableRoot,
  writableHostRoot,
  writableRootfs,
} from './copy-on-write/writable-root.ts';
import { dropLayerLinks } from './copy-on-write/overlay.ts';
import { launch, type Launched } from './launch.ts';
import { type LaunchPlan, launchCommand } from './launch-command.ts';
import { launchText } from './launch-text.ts';
import { setProcessLimits } from './limits/process-limits.ts';
import { joinFiles, makeCgroups } from './limits/sandbox-cgroups.ts';
import { checkMainProcess } from './main-process.ts';
import type { SandboxRecord } from './sandbox-record.ts';
import { seccompFile } from './seccomp/filter-file.ts';
import type { SandboxPaths, StateDirectory } from './state-directory.ts';
import { spawnersOf, stagePath } from './spawners.ts';
import { syntheticEtc, writableEtc } from './synthetic-etc.ts';

/** The launcher's descriptors: 3 is bubblewrap's report. */
const infoDescriptor = 3;
const seccompDescriptor = 4;

/** A sandbox that runs and waits to be let go, and its lanes: the first is started, the others can be. */
export interface BuiltSandbox extends Launched {
  readonly lanes: readonly string[];
}

/** Permission bits of a sandbox's FIFOs: nobody but its user and its host gets as far as to them. */
export function fifoMode(record: Pick<SandboxRecord, 'uid'>): number {
  return record.uid === undefined ? 0o600 : 0o666;
}

/**
 * Starts a sandbox of a record under every control. `begin` is called once its directory is there, and
 * may complete the record before anything else is made. On rejection no process of it is left; the directory stays for the caller to
 * remove.
 */
export async function buildSandbox(
  state: StateDirectory,
  unbegun: SandboxRecord,
  rootfs: string | undefined,
  mounts: readonly MountRequest[],
  signal: AbortSignal,
  begin: () => SandboxRecord = () => unbegun,
): Promise<BuiltSandbox> {
  const { plain, staged, spares } = spawnersOf(state);
  const paths = state.sandbox(unbegun.id);
  // A sandbox that was suspended has its workspace, as the guest left it.
  const kept = existsSync(paths.workspace);
  const lanes = await spares.take(paths);
  const record = begin();
  const { uid, limits, cgroups = [] } = record;
  if (uid !== undefined && !kept) chownSync(paths.workspace, uid, uid);
  if (limits) makeCgroups(cgroups, limits);
  const copyOnWrite = record.root === 'copy-on-write';
  // What it takes to reach these is mounted for this sandbox alone.
  const apart =
    rootfs !== undefined || mounts.length > 0 || copyOnWrite || limits?.diskBytes !== undefined;
  const shared = uid !== undefined && !apart;
  const stage = new Stage(paths, uid !== undefined, shared);
  const binds = mounts.map(({ source, target, writable }): Bind => ({
    ...{ source: stage.path(source), target, writable },
  }));
  let writable: WritableRoot | undefined;
  if (copyOnWrite) {
    writable =
      rootfs === undefined
        ? writableHostRoot(paths.directory, uid, (name) => stage.own(name))
        : writableRootfs(paths.directory, rootfs, uid);
  }
  const base =
    rootfs === undefined
      ? (writable?.base ?? hostBase())
      : (writable?.base ?? rootfsBase(rootfs, stage.path(rootfs)));
  let etc: readonly string[] = [];
  if (rootfs === undefined) {
    etc = writable
      ? writableEtc(path.join(paths.directory, writable.root), uid)
      : ['--ro-bind', stage.shared(syntheticEtc(state)), '/etc'];
  }
  const overlays = writable?.overlays ?? [];
  const plan: LaunchPlan = {
    directory: paths.directory,
    ...(limits?.diskBytes === undefined ? {} : { workspaceBytes: limits.diskBytes }),
    ...(uid === undefined ? {} : { uid }),
    bubblewrap: bubblewrapArguments({
      ...(writable === undefined ? {} : { root: stage.own(writable.root) }),
      base: [...base, ...etc],
      binds,
      workspace: stage.own('workspace'),
      control: stage.own('control'),
      lanes: lanes.slice(0, 1),
      infoDescriptor,
      seccompDescriptor,
      ...(limits?.memoryBytes === undefined ? {} : { memoryBytes: limits.memoryBytes }),
    }),
    ...{ shared, staged: stage.staged, overlays },
  };
  const files = {
    directory: path.relative(state.path, paths.directory),
    inputs: [path.relative(state.path, seccompFile(state, process.arch))],
    join: joinFiles(cgroups),
    asRoot: uid !== undefined,
  };
  const text = launchText(files, launchCommand(plan));
  const launched = await launch(shared ? staged : plain, paths, text, signal);
  try {
    checkMainProcess(launched.main.pid, uid ?? statSync('/proc/self').uid);
    await setProcessLimits(launched.main.pid, record);
    dropLayerLinks(paths.directory, overlays);
  } catch (error) {
    await launched.abandon();
    throw error;
  }
  return { ...launched, lanes };
}

/** Where bubblewrap finds things: by their own paths, or as root by what the launcher has bound. */
class Stage {
  readonly staged: { source: string; target: string }[] = [];
  readonly #paths: SandboxPaths;
  readonly #bound: boolean;
  readonly #shared: boolean;

  /** `shared`: the sandboxes of all are bound, and nothing else is. */
  constructor(paths: SandboxPaths, bound: boolean, shared: boolean) {
    this.#paths = paths;
    this.#bound = bound;
    this.#shared = shared;
    if (bound && !shared) {
      mkdirSync(path.join(paths.directory, 'mounts'), { mode: 0o755 });
      chmodSync(path.join(paths.directory, 'mounts'), 0o755);
    }
  }

  /** Something of the sandbox's own directory. */
  own(name: string): string {
    if (this.#shared) return path.join(stagePath, 'sandboxes', this.#paths.id, name);
    return path.join(this.#bound ? stagePath : this.#paths.directory, name);
  }

  /** Something in the state directory's `shared`. */
  shared(source: string): string {
    if (this.#shared) return path.join(stagePath, 'shared', path.basename(source));
    return this.path(source);
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
