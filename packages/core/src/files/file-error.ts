import type { SandboxPath } from '../contract/file-types.ts';
import type { ExitStatus } from '../contract/exit-status.ts';
import { SandboxError, type SandboxErrorCode } from '../errors/sandbox-error.ts';
import { printablePath } from './inside-path.ts';
import { scriptExit } from './script.ts';

const meanings: Readonly<Record<number, { code: SandboxErrorCode; text: string; reason: string }>> =
  {
    [scriptExit.notFound]: { code: 'not-found', text: 'there is nothing', reason: 'not-found' },
    [scriptExit.permissionDenied]: {
      code: 'permission-denied',
      text: 'the sandbox user may not look',
      reason: 'permission',
    },
    [scriptExit.notRegular]: {
      code: 'failed-precondition',
      text: 'there is something other than a regular file',
      reason: 'not-a-file',
    },
    [scriptExit.alreadyExists]: {
      code: 'already-exists',
      text: 'there is something already',
      reason: 'exists',
    },
    [scriptExit.notDirectory]: {
      code: 'failed-precondition',
      text: 'there is something other than a directory',
      reason: 'not-a-directory',
    },
    [scriptExit.notEmpty]: {
      code: 'failed-precondition',
      text: 'there is a directory that is not empty',
      reason: 'not-empty',
    },
  };

/** What tools say, in the C locale, when the kernel refuses (errno(3)). */
const complaints: readonly (readonly [RegExp, SandboxErrorCode, string])[] = [
  [/No space left on device|Disk quota exceeded/, 'resource-exhausted', 'no-space'],
  [
    /Read-only file system|Permission denied|Operation not permitted/,
    'permission-denied',
    'permission',
  ],
  [/Not a directory|File exists/, 'failed-precondition', 'not-a-directory'],
  [/File name too long/, 'invalid-argument', 'name-too-long'],
];

/** The error that a file script's end means. Call it only for an end other than exit code 0. */
export function fileError(
  operation: string,
  path: SandboxPath,
  exit: ExitStatus,
  stderr: string,
): SandboxError {
  const place = printablePath(path);
  const said = stderr.trim().slice(-500);
  const meaning = exit.code === undefined ? undefined : meanings[exit.code];
  if (meaning) {
    return new SandboxError(meaning.code, `${operation} ${place}: ${meaning.text} at this path`, {
      operation,
      details: { path: place, reason: meaning.reason },
    });
  }
  const complaint = complaints.find(([pattern]) => pattern.test(said));
  const how = exit.code === undefined ? JSON.stringify(exit) : `exit code ${exit.code}`;
  return new SandboxError(
    complaint?.[1] ?? 'unknown',
    `${operation} ${place} failed in the sandbox (${how})${said ? `: ${said}` : ''}`,
    {
      operation,
      outcome: 'unknown',
      details: { path: place, ...(complaint ? { reason: complaint[2] } : {}) },
    },
  );
}
