import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { Call } from '../contract/call.ts';
import { SandboxError } from '../errors/sandbox-error.ts';
import type { BytePath } from './byte-path.ts';
import { bytePath, joinPath } from './byte-path.ts';
import type { GitContext } from './git-command.ts';
import { runGit } from './git-command.ts';
import type { GitCredential } from './git-environment.ts';
import { hostFiles } from './resolve-local.ts';
import { temporaryDirectory } from './temporary-directory.ts';
import { walkDirectory } from './walk-directory.ts';
import type { PreparedSource } from './workspace-item.ts';

const operation = 'manifest.materialize';

/** One commit to fetch. */
export interface CommitSource {
  readonly at: string;
  readonly url: string;
  readonly commit: string;
  readonly credential: GitCredential | undefined;
}

/**
 * Fetches one commit without its history into a temporary directory and checks it out there: HEAD is the
 * commit, detached; there is no remote, no FETCH_HEAD, no log and no credential. git itself checks
 * every object against its id. Submodules are left empty. Disposing removes the directory.
 */
export async function fetchCommit(source: CommitSource, call: Call): Promise<PreparedSource> {
  const { at, url, commit, credential } = source;
  await using stack = new AsyncDisposableStack();
  const temporary = stack.use(await temporaryDirectory('git'));
  const [home, clone] = [path.join(temporary.path, 'home'), path.join(temporary.path, 'clone')];
  await Promise.all([mkdir(home), mkdir(clone)]);
  const offline: GitContext = { operation, url, home, directory: clone };
  const online = credential === undefined ? offline : { ...offline, credential };
  const format = commit.length === 64 ? 'sha256' : 'sha1';
  await runGit(['init', '--quiet', '--template=', `--object-format=${format}`], offline, call);
  await runGit(
    [
      'fetch',
      '--quiet',
      '--depth=1',
      '--no-tags',
      '--no-write-fetch-head',
      '--no-recurse-submodules',
      '--no-auto-maintenance',
      '--',
      url,
      commit,
    ],
    online,
    call,
  );
  await runGit(['checkout', '--quiet', '--detach', commit, '--'], offline, call);
  const head = (await runGit(['rev-parse', '--verify', 'HEAD^{commit}'], offline, call)).trim();
  if (head !== commit) {
    throw new SandboxError(
      'data-loss',
      `${url} gave commit ${head} where ${commit} was asked for`,
      {
        operation,
        details: { path: at, expected: commit, actual: head },
      },
    );
  }
  const hostRoot = bytePath(clone);
  const walked = await walkDirectory(hostRoot, { operation, digest: false }, call);
  const root = bytePath(at);
  const items = walked.map((item) => ({ ...item, path: joinPath(root, item.path) }));
  const hostPath = (item: BytePath): BytePath => hostRoot + item.slice(root.length);
  const disposal = stack.move();
  return {
    items,
    stream: hostFiles(items, hostPath),
    [Symbol.asyncDispose]: () => disposal.disposeAsync(),
  };
}
