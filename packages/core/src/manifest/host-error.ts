import type { SandboxErrorCode } from '../errors/sandbox-error.ts';
import { SandboxError } from '../errors/sandbox-error.ts';

const codes: Readonly<Record<string, readonly [SandboxErrorCode, string]>> = {
  ENOENT: ['not-found', 'there is no such file'],
  ENOTDIR: ['not-found', 'a parent of it is not a directory'],
  EACCES: ['permission-denied', 'this process may not read it'],
  EPERM: ['permission-denied', 'the operation is not permitted'],
  EISDIR: ['failed-precondition', 'it is a directory'],
  ENAMETOOLONG: ['invalid-argument', 'its name is too long'],
  ELOOP: ['failed-precondition', 'it is a symbolic link, or a loop of them'],
  EEXIST: ['already-exists', 'something is there already'],
  ENOTEMPTY: ['already-exists', 'the directory is not empty'],
  ENOSPC: ['resource-exhausted', 'the disk is full'],
  EMFILE: ['resource-exhausted', 'too many files are open'],
};

/**
 * What a failed file operation of the host becomes: a `SandboxError` that names the file and says what
 * failed. One that is a `SandboxError` already, or no file error at all, is returned as it is.
 */
export function hostError(error: unknown, operation: string, what: string): unknown {
  if (SandboxError.is(error) || !(error instanceof Error) || !('code' in error)) return error;
  const [code, reason] = codes[String(error.code)] ?? ['internal', error.message];
  return new SandboxError(code, `${what}: ${reason}`, { operation, cause: error });
}
