import { chmodSync, chownSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { MountRequest } from '@gantry/core/driver';
import type { ProcessIdentity } from '@gantry/core/node';
import { hostBase, rootfsBase } from './base-system.ts';
import { type Bind, bubblewrapArguments } from './bubblewrap-arguments.ts';
import { launch, type Launched } from './launch.ts';
import { type LaunchPlan, launchCommand, sandboxCommand } from './launch-command.ts';
import { launchText, warmLaunchText } from './launch-text.ts';
import { checkMainProcess } from './main-process.ts';
import type { SandboxRecord } from './sandbox-record.ts';
import { seccompFile } from './seccomp/filter-file.ts';
import type { SandboxPaths, StateDirectory } from './state-directory.ts';
import { spawnersOf, stagePath } from './spawners.ts';
import { syntheticEtc } from './synthetic-etc.ts';

/** The launcher's descriptors: 3 is bubblewrap's report. */
const infoDescriptor = 3;
const seccompDescriptor = 4;

/** Permission bits of a sandbox's FIFOs: nobody but its user and its host gets as far as to them. */
export function fifoMode(record: Pick<SandboxRecord, 'uid'>): number {
  return record.uid === undefined ? 0o600 : 0o666;
}

/** What a sandbox is built of. */
export interface SandboxParts {
  readonly rootfs: string | undefined;
  readonly mounts: readonly MountRequest[];
  /** Whether its lifetime is told when it is let go, and not before. */
  readonly warm: boolean;
}

/** A sandbox that runs and waits to be let go. */
export interface BuiltSandbox {
  readonly record: SandboxRecord & { readonly main: ProcessIdentity };
  /** The first is started by the agent; the others are there to be started. */
  readonly lanes: readonly string[];
  readonly launched: Launched;
}

/**
 * Starts a sandbox of a new record under every control. On rejection no process of it is left; what else
 * there may be is for the caller to remove.
 */
export async function buildSandbox(
  state: StateDirectory,
  record: SandboxRecord,
  parts: SandboxParts,
  signal: AbortSignal,
): Promise<BuiltSandbox> {
  const { plain, staged, spares } = spawnersOf(state);
  const { rootfs, mounts, warm } = parts;
  const paths = state.sandbox(record.id);
  const lanes = await spares.take(paths);
  const { uid } = record;
  if (uid !== undefined) chownSync(paths.workspace, uid, uid);
  const shared = uid !== undefined && rootfs === undefined && mounts.length === 0;
  const stage = new Stage(paths, uid !== undefined, shared);
  const binds = mounts.map(({ source, target, writable }): Bind => ({
    ...{ source: stage.path(source), target, writable },
  }));
  const base =
    rootfs === undefined
      ? [...hostBase(), '--ro-bind', stage.shared(syntheticEtc(state)), '/etc']
      : rootfsBase(rootfs, stage.path(rootfs));
  const plan: LaunchPlan = {
    directory: paths.directory,
    lifetimeMs: record.expiresAt - record.createdAt,
    ...(uid === undefined ? {} : { uid }),
    ...(uid === undefined || shared ? {} : { staged: stage.staged }),
    bubblewrap: bubblewrapArguments({
      base,
      binds,
      workspace: stage.own('workspace'),
      control: stage.own('control'),
      lanes: lanes.slice(0, 1),
      infoDescriptor,
      seccompDescriptor,
    }),
  };
  const files = {
    directory: path.relative(state.path, paths.directory),
    inputs: [path.relative(state.path, seccompFile(state, process.arch))],
  };
  const text = warm
    ? warmLaunchText(files, sandboxCommand(plan))
    : launchText(files, launchCommand(plan));
  const launched = await launch(shared ? staged : plain, paths, text, signal);
  const { main, keeper } = launched;
  try {
    checkMainProcess(main.pid, uid ?? statSync('/proc/self').uid);
  } catch (error) {
    await launched.abandon();
    throw error;
  }
  return { record: { ...record, main, keeper }, lanes, launched };
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
