import os from 'node:os';
import path from 'node:path';
import { SandboxError } from '@gantry/core/driver';

/** How `local` isolates, and what its sandboxes are made of. */
export interface LocalOptions {
  /**
   * `process` (the default): Linux namespaces, no privileges, a seccomp filter. `none`: commands run
   * as the caller, with all that the caller may do; nothing falls back to it.
   */
  readonly isolation?: 'process' | 'none';
  /** A directory, or a tar file (plain, gzip or zstd), that is the read-only root. Default: the host's own `/usr`. */
  readonly rootfs?: string;
  /**
   * Where sandboxes and their workspaces are kept. Default: `GANTRY_STATE_DIRECTORY`, else
   * `/var/lib/gantry/local` for root and `$XDG_STATE_HOME/gantry/local` for others. Sandboxes are found
   * again through the same directory only.
   */
  readonly stateDirectory?: string;
  /**
   * How many sandboxes run ahead, for a `create` without mounts and limits to adopt. Default: 0. They are
   * empty, live in this process's name, and end with it.
   */
  readonly warm?: number;
}

/** `LocalOptions` with every default filled in. */
export interface ResolvedOptions {
  readonly isolation: 'process' | 'none';
  readonly rootfs?: string;
  readonly stateDirectory: string;
  readonly warm?: number;
}

/** Checks the options; throws `invalid-argument` for one that cannot be meant. */
export function resolveOptions(options: LocalOptions): ResolvedOptions {
  const { isolation = 'process', rootfs, warm = 0 } = options;
  const unknown = Object.keys(options).find(
    (key) => !['isolation', 'rootfs', 'stateDirectory', 'warm'].includes(key),
  );
  if (unknown !== undefined) throw invalid(`there is no option ${JSON.stringify(unknown)}`);
  if (isolation !== 'process' && isolation !== 'none') {
    throw invalid(`isolation is "process" or "none", not ${JSON.stringify(isolation)}`);
  }
  if (isolation === 'none' && rootfs !== undefined) {
    throw invalid('isolation "none" has no root file system of its own, so it takes no rootfs');
  }
  if (!Number.isInteger(warm) || warm < 0 || warm > 1_000) {
    throw invalid(`warm is a whole number from 0 to 1000, not ${JSON.stringify(warm)}`);
  }
  if (isolation === 'none' && warm > 0) {
    throw invalid('isolation "none" starts nothing ahead, so it takes no warm');
  }
  return {
    isolation,
    warm,
    stateDirectory: path.resolve(options.stateDirectory ?? defaultStateDirectory()),
    ...(rootfs === undefined ? {} : { rootfs: path.resolve(rootfs) }),
  };
}

function defaultStateDirectory(): string {
  const { GANTRY_STATE_DIRECTORY: given, XDG_STATE_HOME: home } = process.env;
  if (given) return given;
  if (process.getuid?.() === 0) return '/var/lib/gantry/local';
  return path.join(home ?? path.join(os.homedir(), '.local/state'), 'gantry/local');
}

function invalid(message: string): SandboxError {
  return new SandboxError('invalid-argument', `local: ${message}`, { provider: 'local' });
}
