import { type Sandbox, SandboxError } from '@gantry/core';
import { GuestEntryError } from '../../chassis/guest-entries.ts';
import { ApiError } from '../api-error.ts';

/** By these exit codes a script says what is in its way. */
export const fileExits = { missing: 44, denied: 45, exists: 46, directory: 47 } as const;

/** What went wrong with a file, in the daemon's words. */
export function toFileError(error: unknown, path: string): unknown {
  if (error instanceof GuestEntryError) {
    return error.reason === 'missing' ? missing(path) : new ApiError(400, error.message);
  }
  if (!SandboxError.is(error) || error.details['path'] === undefined) return error;
  if (error.code === 'not-found') return missing(path);
  if (error.code === 'permission-denied') return denied(path);
  return error;
}

/** Does something with a path in the sandbox; its errors are the daemon's. */
export async function withFile<Result>(path: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw toFileError(error, path);
  }
}

/** Runs a script of POSIX sh about a path, which is its first argument, as the sandbox's user. */
export async function runFileScript(
  sandbox: Sandbox,
  script: string,
  [path, ...more]: readonly [string, ...string[]],
): Promise<string> {
  const command = ['/bin/sh', '-c', script, 'sh', path, ...more] as const;
  const result = await sandbox.exec(command, {
    env: { LC_ALL: 'C' },
    maxOutputBytes: 64 * 2 ** 20,
  });
  const { code } = result.exit;
  if (code === 0) return result.stdout.text;
  if (code === fileExits.missing) throw missing(path);
  if (code === fileExits.exists) {
    throw new ApiError(409, `destination already exists: ${more[0] ?? path}`);
  }
  if (code === fileExits.directory) {
    throw new ApiError(400, 'cannot delete directory without recursive flag');
  }
  const complaint = result.stderr.text.trim();
  if (/Permission denied|Operation not permitted/.test(complaint)) throw denied(path);
  throw new ApiError(500, complaint === '' ? `${path}: it failed` : complaint);
}

function missing(path: string): ApiError {
  return new ApiError(404, `file not found: ${path}`, 'FILE_NOT_FOUND');
}

function denied(path: string): ApiError {
  return new ApiError(403, `permission denied: ${path}`, 'FILE_ACCESS_DENIED');
}
