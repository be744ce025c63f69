import { statSync } from 'node:fs';
import { type Call, SandboxError } from '@gantry/core/driver';
import { isErrno } from './errors.ts';
import type { StateDirectory } from './state-directory.ts';

/** The directory of the root file system to use; `undefined` stands for the host's own programs. */
export async function resolveRootfs(
  _state: StateDirectory,
  rootfs: string | undefined,
  _call: Call,
): Promise<string | undefined> {
  if (rootfs === undefined) return undefined;
  let stat;
  try {
    stat = statSync(rootfs);
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error;
    throw new SandboxError('failed-precondition', `the rootfs ${rootfs} does not exist`);
  }
  if (stat.isDirectory()) return rootfs;
  throw new SandboxError('unsupported', `the rootfs ${rootfs} is not a directory`);
}
