import { createHash } from 'node:crypto';
import { createReadStream, existsSync, type Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { type Call, SandboxError } from '@gantry/core/driver';
import { isErrno } from './errors.ts';
import type { StateDirectory } from './state-directory.ts';

/** Unpacks a tar file, so that `destination` comes into being with all of it or not at all. */
export type Unpack = (file: string, destination: string, call: Call) => Promise<void>;

/**
 * The directory of the root file system to use; `undefined` stands for the host's own programs. A tar
 * file is unpacked once for each contents, and kept in the state directory.
 */
export async function resolveRootfs(
  state: StateDirectory,
  rootfs: string | undefined,
  unpack: Unpack,
  call: Call,
): Promise<string | undefined> {
  if (rootfs === undefined) return undefined;
  const found = await statRootfs(rootfs);
  if (found.isDirectory()) return rootfs;
  if (!found.isFile()) {
    throw new SandboxError('failed-precondition', `the rootfs ${rootfs} is no directory or file`);
  }
  const digest = await digestFile(rootfs, found);
  const directory = path.join(state.path, 'rootfs', digest);
  if (!existsSync(directory)) await unpack(rootfs, directory, call);
  return directory;
}

async function statRootfs(rootfs: string): Promise<Stats> {
  try {
    return await stat(rootfs);
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error;
    throw new SandboxError('failed-precondition', `the rootfs ${rootfs} does not exist`);
  }
}

const digests = new Map<string, string>();

/** The sha256 of a file; of one that has not changed since this process read it, without reading. */
async function digestFile(file: string, { size, mtimeMs, ctimeMs, ino }: Stats): Promise<string> {
  const key = [file, size, mtimeMs, ctimeMs, ino].join('\0');
  const known = digests.get(key);
  if (known !== undefined) return known;
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  const digest = hash.digest('hex');
  digests.set(key, digest);
  return digest;
}
