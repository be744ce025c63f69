import type { Stats } from 'node:fs';
import { lstat, realpath } from 'node:fs/promises';
import path from 'node:path';
import type { HostMountEntry } from '../contract/manifest-types.ts';
import type { MountRequest } from '../contract/create-request.ts';
import { SandboxError } from '../errors/sandbox-error.ts';
import { hostError } from './host-error.ts';

const operation = 'manifest.resolve';

/** Directories that speak for the kernel or for other processes: sockets, devices, secrets of services. */
const closedDirectories = ['/proc', '/sys', '/dev', '/run', '/var/run'];

/**
 * Checks the grant of a host path and returns what to mount. Refused with `failed-precondition`, naming
 * the rule: a path with a symbolic link in it, `/`, the directories above, anything in them or
 * holding them, and whatever is no directory or regular file.
 */
export async function grantHostMount(
  at: string,
  entry: HostMountEntry,
  baseDirectory: string,
): Promise<MountRequest> {
  const base = path.isAbsolute(entry.source) ? '/' : await resolveReal(at, baseDirectory);
  const source = path.resolve(base, entry.source);
  const real = await resolveReal(at, source);
  if (real !== source) {
    refuse(at, source, `has a symbolic link in it; grant the real path, ${real}`);
  }
  if (source === '/') refuse(at, source, 'is the whole host');
  for (const closed of closedDirectories) {
    if (isWithin(source, closed)) refuse(at, source, `is in ${closed}, which is never granted`);
    if (isWithin(closed, source)) refuse(at, source, `holds ${closed}, which is never granted`);
  }
  const stats = await inspect(at, source);
  if (!stats.isDirectory() && !stats.isFile()) {
    refuse(
      at,
      source,
      'is a socket, fifo or device; only directories and regular files are granted',
    );
  }
  return {
    kind: 'hostMount',
    source,
    target: `/workspace/${at}`,
    writable: entry.writable ?? false,
  };
}

function isWithin(inner: string, outer: string): boolean {
  return inner === outer || inner.startsWith(`${outer}/`);
}

async function resolveReal(at: string, file: string): Promise<string> {
  try {
    return await realpath(file);
  } catch (error) {
    throw hostError(error, operation, `the host mount at ${at}, ${file}`);
  }
}

async function inspect(at: string, source: string): Promise<Stats> {
  try {
    return await lstat(source);
  } catch (error) {
    throw hostError(error, operation, `the host mount at ${at}, ${source}`);
  }
}

function refuse(at: string, source: string, rule: string): never {
  throw new SandboxError(
    'failed-precondition',
    `the host mount at ${at} is refused: ${source} ${rule}`,
    {
      operation,
      details: { path: at, source },
    },
  );
}
