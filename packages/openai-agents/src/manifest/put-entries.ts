import { type ManifestEntry, type Sandbox, SandboxError } from '@gantry/core';
import type { GantryEntries } from './gantry-entries.ts';

/** Puts entries into a workspace that is in use, over what is there; as the sandbox's own user where none is named. */
export async function putEntries(
  sandbox: Sandbox,
  { entries, afterwards }: GantryEntries,
  user?: string,
): Promise<void> {
  const { files } = sandbox.restricted(user === undefined ? {} : { user });
  const foreign = Object.entries(entries).find(([, { type }]) => type !== 'file' && type !== 'dir');
  if (user !== undefined && foreign) {
    throw new SandboxError(
      'unsupported',
      `manifest entry ${foreign[0]}: what is copied or fetched belongs to the sandbox's own user, not to ${user}; only file and dir entries can be put in place with runAs`,
    );
  }
  const fetched: Record<string, ManifestEntry> = {};
  for (const [path, entry] of Object.entries(entries)) {
    if (entry.type === 'file') {
      const bytes = Buffer.from(entry.base64 ?? '', 'base64');
      await files.write(path, bytes, modeOf(entry.mode));
    } else if (entry.type === 'dir') {
      await files.makeDirectory(path, modeOf(entry.mode));
    } else fetched[path] = entry;
  }
  if (Object.keys(fetched).length > 0) {
    await sandbox.apply({ spec: 'gantry-manifest/1', entries: fetched });
  }
  for (const step of afterwards) await step(files);
}

function modeOf(text: string | undefined): { readonly mode?: number } {
  return text === undefined ? {} : { mode: Number.parseInt(text, 8) };
}
