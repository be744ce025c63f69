import type { DirectoryEntry, Files } from '@gantry/core';
import { z } from 'zod';
import { defineTool } from './define-tool.ts';
import type { ToolsetLimits } from './limits.ts';
import { skippedDirectories } from './sandbox-files.ts';
import { shorten } from './shorten.ts';
import type { Tool } from './tool.ts';
import { ToolFailure } from './tool-failure.ts';
import type { WorkspacePaths } from './workspace-paths.ts';

const input = z.object({
  path: z.string().optional().describe('Default: the working directory.'),
  depth: z.int().min(1).max(10).optional().describe('How many levels to show. Default 1.'),
});

/** The tool that shows what is in a directory. */
export function listFilesTool(files: Files, paths: WorkspacePaths, limits: ToolsetLimits): Tool {
  return defineTool({
    name: 'list_files',
    description:
      'Lists a directory: directories end in /, files show their size, links their target.',
    input,
    effects: 'none',
    async execute({ path = '.', depth = 1 }, { signal }) {
      const place = await paths.find(path, signal);
      if (!place.stat) throw new ToolFailure(`There is no directory ${place.shown}.`);
      if (place.stat.type !== 'directory') {
        throw new ToolFailure(`${place.shown} is a ${place.stat.type}, not a directory.`);
      }
      const listing = await renderTree(files, place.path, {
        depth,
        entries: limits.entries,
        signal,
      });
      if (listing.lines.length === 0) return `${place.shown} is empty.`;
      const more = listing.complete
        ? []
        : ['[there are more entries; list a directory further down]'];
      return shorten([...listing.lines, ...more].join('\n'), limits.outputTokens);
    },
  });
}

/** How far a tree is drawn. */
interface TreeBounds {
  readonly depth: number;
  readonly entries: number;
  readonly signal?: AbortSignal | undefined;
}

/** The lines of a tree, two spaces deeper at each level. Directories that nobody wants to see inside are named only. */
async function renderTree(
  files: Files,
  directory: string,
  { depth, entries, signal }: TreeBounds,
): Promise<{ readonly lines: readonly string[]; readonly complete: boolean }> {
  const lines: string[] = [];
  let complete = true;
  const draw = async (place: string, level: number): Promise<void> => {
    const found = await files.list(place, signal ? { signal } : {});
    for (const entry of found) {
      if (lines.length >= entries) {
        complete = false;
        return;
      }
      lines.push(`${'  '.repeat(level)}${describe(entry)}`);
      const below = entry.type === 'directory' && !skippedDirectories.includes(entry.name);
      // A name that is not UTF-8 cannot be said in a path of text; the entry itself is shown.
      if (below && level + 1 < depth && !entry.name.includes('\uFFFD')) {
        await draw(`${place}/${entry.name}`, level + 1);
      }
    }
  };
  await draw(directory, 0);
  return { lines, complete };
}

function describe({ name, type, size, target }: DirectoryEntry): string {
  const shown = /\p{Cc}/u.test(name) ? JSON.stringify(name) : name;
  if (type === 'directory') return `${shown}/`;
  if (type === 'file') return `${shown} (${size} bytes)`;
  if (type === 'symlink') return `${shown} -> ${Buffer.from(target ?? []).toString()}`;
  return `${shown} (${type})`;
}
