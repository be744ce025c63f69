import path from 'node:path';
import { type Files, type ManifestEntry, SandboxError } from '@gantry/core';
import type { Entry, GitRepo } from '@openai/agents/sandbox';
import { permissionMode, modeText } from './permission-mode.ts';
import { walkEntries } from './portable-manifest.ts';

/** What of the host an entry may copy. */
export interface LocalSources {
  readonly baseDirectory: string;
  /** Further directories: the path grants of the manifest. */
  readonly granted: readonly string[];
}

/** Entries of the SDK in Gantry's words, and what has to be done once they are in place. */
export interface GantryEntries {
  readonly entries: Record<string, ManifestEntry>;
  readonly afterwards: readonly ((files: Files) => Promise<void>)[];
}

/** What a manifest may hold inline; larger files are written one by one. */
const longestInline = 3 * 1024 * 1024;

/** Says in Gantry's words what is to be put in place; what has no words is refused before anything is. */
export function gantryEntries(
  given: Readonly<Record<string, Entry>>,
  sources: LocalSources,
): GantryEntries {
  const entries: Record<string, ManifestEntry> = {};
  const afterwards: ((files: Files) => Promise<void>)[] = [];
  for (const { logicalPath, entry } of walkEntries('', given)) {
    if (entry.group !== undefined) throw unsupported(logicalPath, 'an owner of its own');
    // oxlint-disable-next-line typescript/switch-exhaustiveness-check -- what is not here is refused, also what a later SDK adds
    switch (entry.type) {
      case 'dir':
        entries[logicalPath] = { type: 'dir', mode: modeText(entry.permissions) };
        break;
      case 'file': {
        const bytes = Buffer.from(entry.content);
        const mode = permissionMode(entry.permissions);
        if (bytes.length <= longestInline) {
          const base64 = bytes.toString('base64');
          entries[logicalPath] = { type: 'file', base64, mode: modeText(entry.permissions) };
        } else {
          afterwards.push((files) => files.write(logicalPath, bytes, { mode }));
        }
        break;
      }
      case 'local_file':
        entries[logicalPath] = {
          type: 'localFile',
          source: localSource(logicalPath, entry.src, sources),
          ...(entry.permissions === undefined ? {} : { mode: modeText(entry.permissions) }),
        };
        break;
      case 'local_dir': {
        const source = localSource(logicalPath, entry.src, sources);
        entries[logicalPath] = { type: 'localDir', source };
        if (entry.permissions !== undefined) {
          const mode = permissionMode(entry.permissions);
          afterwards.push((files) => files.setMode(logicalPath, mode));
        }
        break;
      }
      case 'git_repo':
        addGit(logicalPath, entry, entries, afterwards);
        break;
      default:
        throw unsupported(logicalPath, `the type ${entry.type}`);
    }
  }
  return { entries, afterwards };
}

function addGit(
  logicalPath: string,
  entry: GitRepo,
  entries: Record<string, ManifestEntry>,
  afterwards: ((files: Files) => Promise<void>)[],
): void {
  const { repo, host = 'github.com', ref, subpath } = entry;
  const isUrl = repo.includes('://') || repo.startsWith('git@');
  const url = isUrl ? repo : `https://${host}/${repo}.git`;
  const source: ManifestEntry = { type: 'git', url, ...(ref === undefined ? {} : { ref }) };
  if (subpath === undefined) {
    entries[logicalPath] = source;
    return;
  }
  const clone = `.gantry-clone-${afterwards.length}`;
  entries[clone] = source;
  afterwards.push(async (files) => {
    await files.move(`${clone}/${subpath}`, logicalPath);
    await files.remove(clone);
  });
}

/** The SDK's own rule: a source is below the base directory or a granted path. */
function localSource(logicalPath: string, source: string, sources: LocalSources): string {
  const absolute = path.resolve(sources.baseDirectory, source);
  const allowed = [sources.baseDirectory, ...sources.granted];
  if (allowed.some((directory) => isBelow(directory, absolute))) return absolute;
  throw new SandboxError(
    'permission-denied',
    `manifest entry ${logicalPath}: ${source} is neither below ${sources.baseDirectory} nor below a path grant of the manifest`,
  );
}

function isBelow(directory: string, file: string): boolean {
  const relative = path.relative(directory, file);
  return relative !== '..' && !relative.startsWith(`..${path.sep}`) && !path.isAbsolute(relative);
}

function unsupported(logicalPath: string, what: string): SandboxError {
  return new SandboxError(
    'unsupported',
    `manifest entry ${logicalPath}: ${what} is not among what the SDK's manifest can say here; put mounts into the manifest of the Gantry client`,
  );
}
