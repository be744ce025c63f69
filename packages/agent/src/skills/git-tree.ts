import path from 'node:path';
import { type ManifestEntry, SandboxError, type SecretResolver } from '@gantry/core';
import { resolveManifest } from '@gantry/core/manifest';
import type { SkillTree, TreeEntry } from './skill-tree.ts';

/** Skills of a git repository. The host fetches one commit of it, under the same rules as for a `git` entry of a manifest. */
export interface GitSkills {
  /** `https://…`, `ssh://…` or `user@host:path`, without a credential in it. */
  readonly git: string;
  /** A branch, a tag or a full commit id. Default: the repository's `HEAD`. */
  readonly ref?: string;
  /** A folder of the repository. Default: all of it. */
  readonly directory?: string;
  /** Reference of the secret for https: `env:NAME`, `file:PATH`, or one that `secrets` resolves. */
  readonly secret?: string;
  readonly secrets?: SecretResolver;
}

/** A commit's files below one folder, in memory. */
export interface GitTree {
  readonly commit: string;
  readonly tree: SkillTree;
}

/** Bytes of a folder that are kept in memory. */
const mostBytes = 128 * 1024 * 1024;
const at = 'skills';

/** Fetches the files. With `commit`, which a run has recorded, of that one, whatever the ref names by now. */
export async function gitTree(
  { git, ref, directory = '', secret, secrets }: GitSkills,
  commit?: string,
): Promise<GitTree> {
  const wanted = commit ?? ref;
  const entry: ManifestEntry = {
    ...{ type: 'git', url: git },
    ...(wanted === undefined ? {} : { ref: wanted }),
    ...(secret === undefined ? {} : { secret }),
  };
  const call = { signal: new AbortController().signal };
  const { sources } = await resolveManifest(
    { spec: 'gantry-manifest/1', entries: { [at]: entry } },
    { baseDirectory: '.', call, ...(secrets ? { secrets } : {}) },
  );
  const [source] = sources;
  if (source?.commit === undefined) {
    throw new SandboxError('internal', `skills: ${git} has come to no commit`, {
      operation: 'skills',
    });
  }
  await using prepared = await source.prepare(call);
  const root = path.posix.join(at, directory);
  const files = new Map<string, Uint8Array>();
  const folders = new Map<string, TreeEntry[]>([[root, []]]);
  const isWanted = (place: string): boolean =>
    place.startsWith(`${root}/`) && !`/${place}/`.includes('/.git/');
  for (const item of prepared.items) {
    const place = textOf(item.path);
    if (!isWanted(place)) continue;
    const { type } = item;
    if (type === 'directory') folders.set(place, []);
    const facts = type === 'file' ? item : { size: 0, mode: 0 };
    const name = path.posix.basename(place);
    const { size, mode } = facts;
    folders.get(path.posix.dirname(place))?.push({ name, type, size, mode });
  }
  let bytes = 0;
  for await (const { item, contents } of prepared.stream(call)) {
    const place = textOf(item.path);
    if (item.type !== 'file' || !isWanted(place)) continue;
    bytes += item.size;
    if (bytes > mostBytes) throw tooLarge(git);
    files.set(place, Buffer.concat(await Array.fromAsync(contents)));
  }
  return { commit: source.commit, tree: treeOf(git, root, folders, files) };
}

function treeOf(
  git: string,
  root: string,
  folders: ReadonlyMap<string, readonly TreeEntry[]>,
  files: ReadonlyMap<string, Uint8Array>,
): SkillTree {
  const found = <Value>(map: ReadonlyMap<string, Value>, place: string): Value => {
    const value = map.get(path.posix.join(root, place));
    if (value !== undefined) return value;
    throw new SandboxError('not-found', `skills: there is no ${place || '.'} in ${git}`, {
      operation: 'skills',
    });
  };
  return {
    list: async (place) => found(folders, place),
    read: async (place) => found(files, place),
  };
}

/** Core has paths with one character for each byte. */
function textOf(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString();
}

function tooLarge(git: string): SandboxError {
  const message = `skills: ${git} has more than ${mostBytes} bytes there; name a smaller directory`;
  return new SandboxError('resource-exhausted', message, { operation: 'skills' });
}
