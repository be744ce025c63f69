import type { Call } from '../contract/call.ts';
import type { GitEntry } from '../contract/manifest-types.ts';
import type { SecretResolver } from '../contract/secret-rule.ts';
import { SandboxError } from '../errors/sandbox-error.ts';
import { fetchCommit } from './fetch-commit.ts';
import { runGit } from './git-command.ts';
import { type GitCredential, passwordOf } from './git-environment.ts';
import { isFullCommit } from './git-source.ts';
import { readSecret } from './secret-reference.ts';
import { temporaryDirectory } from './temporary-directory.ts';
import type { ItemSource } from './workspace-item.ts';

const operation = 'manifest.resolve';

/**
 * A git repository, its ref pinned to a commit by asking the server (a full commit id is taken as it is).
 * The contents are fetched on the host when they are sent: only the host can vouch for the commit.
 */
export async function resolveGit(
  at: string,
  entry: GitEntry,
  secrets: SecretResolver | undefined,
  call: Call,
): Promise<ItemSource> {
  // Looked up for each use and held in no data that could be printed or stored.
  const credential = (): Promise<GitCredential | undefined> => readCredential(entry, secrets, call);
  const ref = entry.ref ?? 'HEAD';
  const commit = isFullCommit(ref)
    ? ref
    : await askServer(entry.url, ref, await credential(), call);
  return {
    path: at,
    type: 'git',
    items: [],
    commit,
    notes: [],
    prepare: async (sendCall) =>
      fetchCommit({ at, url: entry.url, commit, credential: await credential() }, sendCall),
  };
}

async function readCredential(
  entry: GitEntry,
  secrets: SecretResolver | undefined,
  { onSecret }: Call,
): Promise<GitCredential | undefined> {
  if (entry.secret === undefined) return undefined;
  const { origin } = new URL(entry.url);
  const value = await readSecret(entry.secret, secrets, operation, onSecret);
  onSecret?.(entry.secret, passwordOf(value));
  return { origin, value };
}

async function askServer(
  url: string,
  ref: string,
  credential: GitCredential | undefined,
  call: Call,
): Promise<string> {
  await using temporary = await temporaryDirectory('git');
  const names =
    ref === 'HEAD' || ref.startsWith('refs/') ? [ref] : [`refs/heads/${ref}`, `refs/tags/${ref}`];
  const context = {
    operation,
    url,
    home: temporary.path,
    directory: temporary.path,
    ...(credential === undefined ? {} : { credential }),
  };
  const patterns = names.flatMap((name) => [name, `${name}^{}`]);
  const listing = await runGit(['ls-remote', '--quiet', '--', url, ...patterns], context, call);
  const commits = new Map(
    listing.split('\n').flatMap((line) => {
      const [id = '', name = ''] = line.split('\t');
      return isFullCommit(id) ? [[name, id] as const] : [];
    }),
  );
  // An annotated tag names a tag object; the commit is the one with `^{}`.
  const found = names.flatMap((name) => commits.get(`${name}^{}`) ?? commits.get(name) ?? []);
  if (found.length > 1 && found[0] !== found[1]) {
    throw new SandboxError(
      'failed-precondition',
      `${ref} is both a branch and a tag of ${url}; write refs/heads/${ref} or refs/tags/${ref}`,
      { operation, details: { url, ref } },
    );
  }
  const commit = found[0];
  if (commit !== undefined) return commit;
  throw new SandboxError(
    'not-found',
    `${url} has no branch or tag ${ref}; a commit is named by its full id of 40 or 64 digits`,
    { operation, details: { url, ref } },
  );
}
