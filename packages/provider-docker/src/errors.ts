import { SandboxError, type SandboxErrorCode } from '@gantry/core/driver';

const unreachable: ReadonlySet<string> = new Set([
  'ENOENT',
  'ECONNREFUSED',
  'EACCES',
  'ENOTFOUND',
  'EHOSTUNREACH',
]);

/** The HTTP status of a daemon's answer, where the error is one. */
export function statusOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('statusCode' in error)) return undefined;
  return typeof error.statusCode === 'number' ? error.statusCode : undefined;
}

/** What the daemon said, without what the library puts around it. */
export function wordsOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(/^\(HTTP code \d+\) [a-z/ ]+- /, '').trim();
}

/** True when the error is that of a daemon which nobody could reach at all. */
function isUnreachable(error: unknown): boolean {
  if (typeof error !== 'object' || error === null || !('code' in error)) return false;
  return (
    typeof error.code === 'string' && unreachable.has(error.code) && statusOf(error) === undefined
  );
}

/** The error of everything that takes a shell, in a sandbox whose image has none. */
export function noShell(what: string): SandboxError {
  const message = `${what}: the sandbox's image has no /bin/sh, which shell lines, files, manifests and terminals need; give a program and its arguments as an array, or make the sandbox of an image with a shell`;
  return new SandboxError('failed-precondition', message, { details: { reason: 'no-shell' } });
}

const byWords: readonly (readonly [RegExp, SandboxErrorCode, Record<string, string>])[] = [
  [/no space left on device/i, 'resource-exhausted', { reason: 'no-space' }],
  [/max depth exceeded/i, 'resource-exhausted', { reason: 'layers' }],
  [
    /cannot fork|resource temporarily unavailable|pids\.max/i,
    'resource-exhausted',
    { reason: 'pids' },
  ],
  [/cannot allocate memory|out of memory/i, 'resource-exhausted', { reason: 'oom' }],
  [/unable to find user|no matching entries in passwd/i, 'invalid-argument', { reason: 'user' }],
  [/is paused|unpause/i, 'failed-precondition', { reason: 'suspended' }],
  [/is not running|is not paused/i, 'failed-precondition', { reason: 'not-running' }],
];

const byStatus: Readonly<Record<number, SandboxErrorCode>> = {
  400: 'invalid-argument',
  401: 'unauthenticated',
  403: 'permission-denied',
  404: 'not-found',
  409: 'failed-precondition',
};

/** What an error of the daemon, or of the way to it, means; `what` says what was being done, to what. */
export function dockerError(error: unknown, what: string): SandboxError {
  if (SandboxError.is(error)) return error;
  const said = wordsOf(error);
  if (isUnreachable(error)) {
    const message = `${what}: the Docker daemon cannot be reached (${said}); start it, or set DOCKER_HOST to one that runs`;
    return new SandboxError('unavailable', message, { cause: error, outcome: 'not-started' });
  }
  const known = byWords.find(([pattern]) => pattern.test(said));
  const status = statusOf(error);
  if (known) {
    return new SandboxError(known[1], `${what}: ${said}`, { cause: error, details: known[2] });
  }
  if (status === undefined) {
    return new SandboxError(
      'unavailable',
      `${what}: the link to the Docker daemon broke: ${said}`,
      {
        cause: error,
        outcome: 'unknown',
      },
    );
  }
  const message = `${what}: the Docker daemon said ${status}: ${said}`;
  return new SandboxError(byStatus[status] ?? 'unknown', message, { cause: error });
}
