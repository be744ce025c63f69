import { lstatSync } from 'node:fs';
import path from 'node:path';
import { type MountRequest, SandboxError } from '@gantry/core/driver';
import { isErrno } from '../errors.ts';

/**
 * Looks whether host mounts can go where they were in a workspace that its guest has left behind. Throws
 * `failed-precondition` where something else than a directory is on the way: the launcher follows links
 * while the host's files are still in its sight, and would make what is missing behind them.
 */
export function requireMountTargets(workspace: string, mounts: readonly MountRequest[]): void {
  for (const { target } of mounts) {
    const names = path.posix.relative('/workspace', target).split('/');
    if (names[0] === '..') continue;
    for (const [index] of names.entries()) {
      const place = names.slice(0, index + 1);
      const stat = entry(path.join(workspace, ...place));
      if (!stat) break;
      const last = index === names.length - 1;
      if (stat.isDirectory() || (last && stat.isFile())) continue;
      throw new SandboxError(
        'failed-precondition',
        `the host mount ${target} cannot be put back: /workspace/${place.join('/')} is no directory any more; make the sandbox anew`,
        { details: { reason: 'mount-target', target } },
      );
    }
  }
}

function entry(file: string): ReturnType<typeof lstatSync> | undefined {
  try {
    return lstatSync(file);
  } catch (error) {
    if (isErrno(error, 'ENOENT') || isErrno(error, 'ENOTDIR')) return undefined;
    throw error;
  }
}
