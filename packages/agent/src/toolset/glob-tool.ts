import type { RestrictedSandbox } from '@gantry/core';
import picomatch from 'picomatch';
import { z } from 'zod';
import { defineTool } from './define-tool.ts';
import type { ToolsetLimits } from './limits.ts';
import { listFilesBelow, skippedDirectories } from './sandbox-files.ts';
import { shorten } from './shorten.ts';
import type { Tool } from './tool.ts';
import { ToolFailure } from './tool-failure.ts';
import { type WorkspacePaths, workspaceRoot } from './workspace-paths.ts';

const input = z.object({
  pattern: z.string().min(1).describe('Such as **/*.ts or src/**/test_*.py.'),
  path: z.string().optional().describe('Where to look. Default: the working directory.'),
});

/** The tool that finds files by their names. */
export function globTool(
  sandbox: RestrictedSandbox,
  paths: WorkspacePaths,
  limits: ToolsetLimits,
): Tool {
  return defineTool({
    name: 'glob',
    description: `Finds files by a pattern of their paths, sorted by name. Does not look into ${skippedDirectories.join(' and ')}.`,
    input,
    effects: 'none',
    async execute({ pattern, path = '.' }, { signal }) {
      const place = await paths.find(path, signal);
      if (!place.stat) throw new ToolFailure(`There is no directory ${place.shown}.`);
      const { names, complete } = await listFilesBelow(sandbox, place.shown, signal);
      const matches = globMatcher(pattern, place.shown);
      const found = names.filter((name) => matches(name));
      if (found.length === 0) return `No file matches ${pattern} in ${place.shown}.`;
      const more = found.length - limits.entries;
      const lines = found.slice(0, limits.entries);
      if (more > 0) lines.push(`[${more} more; use a narrower pattern]`);
      if (!complete) lines.push('[there are more files than could be looked at]');
      return shorten(lines.join('\n'), limits.outputTokens);
    },
  });
}

/** Whether a path of the workspace matches a pattern that is meant from a directory on; one without `/` matches in any directory. */
export function globMatcher(pattern: string, directory: string): (name: string) => boolean {
  const prefix = directory === '.' ? '' : `${directory}/`;
  const tidy = pattern.replace(new RegExp(`^${workspaceRoot}/`), '').replace(/^\.\//, '');
  const absolute = pattern.startsWith('/');
  const matches = picomatch(tidy.includes('/') ? tidy : `**/${tidy}`, { dot: true });
  return (name) => matches(!absolute && name.startsWith(prefix) ? name.slice(prefix.length) : name);
}
