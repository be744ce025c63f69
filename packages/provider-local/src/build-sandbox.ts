import { chownSync, existsSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { hostBase, rootfsBase } from './base-system.ts';
import { type Bind, bubblewrapArguments } from './bubblewrap-arguments.ts';
import {
  type WritableRoot,
  writableHostRoot,
  writableRootfs,
} from './copy-on-write/writable-root.ts';
import { stagePath } from './copy-on-write/overlaid-root.ts';
import { dropLayerLinks, mergedPath } from './copy-on-write/overlay.ts';
import { layeredWorkspace } from './fork/layered-workspace.ts';
import { removeTree } from './remove-tree.ts';
import type { Launched } from './launcher.ts';
import { type LaunchPlan, launchCommand } from './launch-command.ts';
import { launchText } from './launch-text.ts';
import { processLimits, setProcessLimits } from './limits/process-limits.ts';
import { limitCgroups } from './limits/sandbox-cgroups.ts';
import { checkMainProcess } from './main-process.ts';
import type { SandboxRecord } from './sandbox-record.ts';
import { seccompFile } from './seccomp/filter-file.ts';
import type { SandboxPaths, StateDirectory } from './state-directory.ts';
import type { Spare } from './spare-maker.ts';
import { sparesOf } from './spawners.ts';
import { syntheticEtc, writableEtc } from './synthetic-etc.ts';

/** The launcher's descriptors: 3 is bubblewrap's report. */
const infoDescriptor = 3;
const seccompDescriptor = 4;

/** A sandbox that runs and waits to be let go, and its lanes. */
export interface BuiltSandbox extends Launched {
  /** The lanes that the agent starts by itself. */
  readonly started: readonly string[];
  /** Further ones whose FIFOs are there. */
  readonly prepared: readonly string[];
}

/** The control directory's FIFOs are open to the sandbox's own uid, where it has one. */
export function fifoMode(record: Pick<SandboxRecord, 'uid'>): number {
  return record.uid === undefined ? 0o600 : 0o666;
}

/**
 * Starts a sandbox of a record under every control. `begin` is called once its directory is there, and
 * completes the record before anything else is made. On rejection no process of it is left; the directory
 * stays for the caller to remove.
 */
export async function buildSandbox(
  state: StateDirectory,
  unbegun: SandboxRecord,
  signal: AbortSignal,
  begin: (spare: Spare) => SandboxRecord,
): Promise<BuiltSandbox> {
  const { rootfs, mounts = [] } = unbegun.rebuild ?? {};
  const spares = sparesOf(state);
  const paths = state.sandbox(unbegun.id);
  const copyOnWrite = unbegun.root === 'copy-on-write';
  // What it takes to reach these is mounted for this sandbox alone.
  const apart =
    rootfs !== undefined ||
    mounts.length > 0 ||
    unbegun.limits?.diskBytes !== undefined ||
    unbegun.layers !== undefined;
  const ahead = copyOnWrite ? spares.overlaid : spares.staged;
  // A sandbox that was suspended has its workspace, as the guest left it.
  const kept = existsSync(paths.workspace);
  const spare = await (apart || !ahead ? spares.plain : ahead).take(paths);
  try {
    const record = begin(spare);
    // The record names who makes it, and takes a block of the disk itself.
    rmSync(paths.creator, { force: true });
    const { uid, limits } = record;
    if (kept) await removeTree(spare.directory);
    else if (uid !== undefined && !spare.overlaid) chownSync(paths.workspace, uid, uid);
    if (limits) limitCgroups(spare.cgroups, limits);
    const shared = uid !== undefined && !apart && !copyOnWrite;
    const stage = new Stage(paths, uid !== undefined, shared, spare.overlaid?.place);
    const binds = mounts.map(({ source, target, writable }): Bind => ({
      ...{ source: stage.path(source), target, writable },
    }));
    let writable: WritableRoot | undefined = spare.overlaid?.writable;
    if (copyOnWrite && !writable) {
      writable =
        rootfs === undefined
          ? writableHostRoot(paths.directory, uid, (name) => stage.own(name))
          : writableRootfs(paths.directory, rootfs, uid);
    }
    const workspace = layeredWorkspace(state, record);
    const base =
      rootfs === undefined
        ? (writable?.base ?? hostBase())
        : (writable?.base ?? rootfsBase(rootfs, stage.path(rootfs)));
    let etc: readonly string[] = spare.overlaid?.etc ?? [];
    if (rootfs === undefined && !spare.overlaid) {
      etc = writable
        ? writableEtc(path.join(paths.directory, writable.root), uid)
        : ['--ro-bind', stage.shared(syntheticEtc(state)), '/etc'];
    }
    // The agent's lanes do not get a limit that is set on it when they run already.
    const later = processLimits(record).length > 0;
    const started = later ? [] : spare.lanes.slice(0, 1);
    const overlays = [
      ...(spare.overlaid ? [] : (writable?.overlays ?? [])),
      ...(workspace ? [workspace] : []),
    ];
    const plan: LaunchPlan = {
      directory: paths.directory,
      ...(limits?.diskBytes === undefined ? {} : { workspaceBytes: limits.diskBytes }),
      ...(uid === undefined ? {} : { uid }),
      bubblewrap: bubblewrapArguments({
        ...(writable === undefined ? {} : { root: stage.own(writable.root) }),
        base: [...base, ...etc],
        binds,
        workspace: stage.own(workspace ? mergedPath(workspace.name) : 'workspace'),
        control: stage.own('control'),
        lanes: started,
        infoDescriptor,
        seccompDescriptor,
        ...(limits?.memoryBytes === undefined ? {} : { memoryBytes: limits.memoryBytes }),
      }),
      ...{ shared: shared || spare.overlaid !== undefined, staged: stage.staged, overlays },
    };
    const inputs = [path.relative(state.path, seccompFile(state, process.arch))];
    const text = launchText(inputs, uid !== undefined, launchCommand(plan));
    const launched = await spare.launcher.launch(state, paths.id, text, signal);
    checkMainProcess(launched.main.pid, uid);
    await setProcessLimits(launched.main.pid, record);
    dropLayerLinks(paths.directory, overlays);
    // Other work goes on before the rest of a create.
    await nextTurn();
    return { ...launched, started, prepared: spare.lanes.slice(started.length) };
  } catch (error) {
    await spare.launcher.abandon();
    throw error;
  }
}

/** What the places begin with, in a sandbox's directory, at which other directories and files are shown to its uid. */
export const mountPrefix = 'mount.';

/** Where bubblewrap finds things: by their own paths, or as root by what the launcher has bound. */
class Stage {
  readonly staged: { source: string; target: string }[] = [];
  readonly #paths: SandboxPaths;
  readonly #bound: boolean;
  readonly #shared: boolean;
  readonly #place: string | undefined;

  /** `shared`: the sandboxes of all are bound, and nothing else is. `place`: where this one is bound already. */
  constructor(paths: SandboxPaths, bound: boolean, shared: boolean, place: string | undefined) {
    this.#paths = paths;
    this.#bound = bound;
    this.#shared = shared;
    this.#place = place;
  }

  /** Something of the sandbox's own directory. */
  own(name: string): string {
    if (this.#place !== undefined) return path.join(this.#place, name);
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
    const name = `${mountPrefix}${this.staged.length}`;
    const target = path.join(this.#paths.directory, name);
    if (statSync(source).isDirectory()) mkdirSync(target, { mode: 0o755 });
    else writeFileSync(target, '');
    this.staged.push({ source, target });
    return path.join(stagePath, name);
  }
}
