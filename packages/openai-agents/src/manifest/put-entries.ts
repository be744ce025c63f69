import type { ManifestEntry, Sandbox } from '@gantry/core';
import type { GantryEntries } from './gantry-entries.ts';

/** Puts entries into a workspace that is in use, over what is there. */
export async function putEntries(
  sandbox: Sandbox,
  { entries, afterwards }: GantryEntries,
): Promise<void> {
  const fetched: Record<string, ManifestEntry> = {};
  for (const [path, entry] of Object.entries(entries)) {
    if (entry.type === 'file') {
      const bytes = Buffer.from(entry.base64 ?? '', 'base64');
      await sandbox.files.write(path, bytes, modeOf(entry.mode));
    } else if (entry.type === 'dir') {
      await sandbox.files.makeDirectory(path, modeOf(entry.mode));
    } else fetched[path] = entry;
  }
  if (Object.keys(fetched).length > 0) {
    await sandbox.apply({ spec: 'gantry-manifest/1', entries: fetched });
  }
  for (const step of afterwards) await step(sandbox);
}

function modeOf(text: string | undefined): { readonly mode?: number } {
  return text === undefined ? {} : { mode: Number.parseInt(text, 8) };
}
