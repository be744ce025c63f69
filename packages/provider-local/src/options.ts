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
}

/** `LocalOptions` with every default filled in. */
export interface ResolvedOptions {
  readonly isolation: 'process' | 'none';
  readonly rootfs?: string;
  readonly stateDirectory: string;
}

/** Checks the options; throws `invalid-argument` for one that cannot be meant. */
export function resolveOptions(options: LocalOptions): ResolvedOptions {
  const { isolation = 'process', rootfs } = options;
  const unknown = Object.keys(options).find(
    (key) => !['isolation', 'rootfs', 'stateDirectory'].includes(key),
  );
  if (unknown !== undefined) throw invalid(`there is no option ${JSON.stringify(unknown)}`);
  if (isolation !== 'process' && isolation !== 'none') {
    throw invalid(`isolation is "process" or "none", not ${JSON.stringify(isolation)}`);
  }
  if (isolation === 'none' && rootfs !== undefined) {
    throw invalid('isolation "none" has no root file system of its own, so it takes no rootfs');
  }
  return {
    isolation,
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
