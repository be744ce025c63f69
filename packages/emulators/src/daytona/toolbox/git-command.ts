import type { Sandbox } from '@gantry/core';
import { ApiError } from '../api-error.ts';
import { account } from '../daytona-sandbox.ts';
import { guestPath } from './toolbox-call.ts';

/** What git says, and what the daemon makes of it. */
const meanings: readonly (readonly [words: RegExp, status: number, code: string])[] = [
  [/Authentication failed|could not read (?:Username|Password)/, 401, 'GIT_AUTH_FAILED'],
  [/[Rr]epository .*not found|does not (?:exist|appear to be a git)/, 404, 'GIT_REPO_NOT_FOUND'],
  [/not a git repository/, 404, 'GIT_REPO_NOT_FOUND'],
  [/a branch named .* already exists/, 409, 'GIT_BRANCH_EXISTS'],
  [/pathspec|branch .* not found|Remote branch .* not found/, 404, 'GIT_BRANCH_NOT_FOUND'],
  [/would be overwritten by|local changes/, 409, 'GIT_DIRTY_WORKTREE'],
  [/^CONFLICT|fix conflicts/m, 409, 'GIT_MERGE_CONFLICT'],
  [/\[rejected\]|non-fast-forward/, 409, 'GIT_PUSH_REJECTED'],
  [/\[remote rejected\]/, 422, 'GIT_REMOTE_REJECTED'],
  [
    /Could not resolve host|unable to access|Connection (?:refused|timed out)/,
    502,
    'GIT_TRANSPORT_FAILED',
  ],
];

/** Who asks a remote for something. */
export interface GitCredentials {
  readonly username?: string | undefined;
  readonly password?: string | undefined;
}

/** Answers git with what two variables hold, so that no credential is on a command line or on disk. */
const helper = '!f() { echo "username=$GIT_USERNAME"; echo "password=$GIT_PASSWORD"; }; f';

/** Runs the sandbox's own git in a directory, and returns what it says. Throws the daemon's error. */
export async function runGit(
  sandbox: Sandbox,
  directory: string | undefined,
  args: readonly string[],
  { username, password }: GitCredentials = {},
): Promise<string> {
  const known = username !== undefined || password !== undefined;
  const env = {
    ...{ LC_ALL: 'C', HOME: account.home, GIT_TERMINAL_PROMPT: '0' },
    ...(known ? { GIT_USERNAME: username ?? '', GIT_PASSWORD: password ?? '' } : {}),
  };
  const options = known ? ['-c', 'credential.helper=', '-c', `credential.helper=${helper}`] : [];
  const cwd = guestPath(directory);
  const command = ['git', '-C', cwd, ...options, ...args] as const;
  const result = await sandbox.exec(command, { cwd: '/', env, maxOutputBytes: 64 * 2 ** 20 });
  if (result.ok) return result.stdout.text;
  const said = `${result.stderr.text}${result.stdout.text}`.trim();
  const missing = /cannot change to '.*': No such file/.test(said);
  if (missing) throw new ApiError(404, `repository not found: ${cwd}`, 'GIT_REPO_NOT_FOUND');
  const [, status = 400, code] = meanings.find(([words]) => words.test(said)) ?? [];
  throw new ApiError(status, said || `git ended with ${JSON.stringify(result.exit)}`, code);
}
