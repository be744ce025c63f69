import type { Files } from '@gantry/core';
import { z } from 'zod';
import { defineTool } from './define-tool.ts';
import type { ToolsetLimits } from './limits.ts';
import { replaceText } from './edit-text.ts';
import { readTextFile } from './text-file.ts';
import type { Tool } from './tool.ts';
import type { WorkspacePaths } from './workspace-paths.ts';

const input = z.object({
  path: z.string().min(1),
  old_text: z.string().min(1).describe('Exactly what is in the file, whitespace included.'),
  new_text: z.string().describe('What takes its place.'),
  all: z.boolean().optional().describe('Replaces every occurrence. Default: there must be one.'),
});

/** The tool that replaces text in a file. */
export function editTool(files: Files, paths: WorkspacePaths, limits: ToolsetLimits): Tool {
  return defineTool({
    name: 'edit',
    description:
      'Replaces exact text in a file. The text must occur once, unless all is true; give more lines around it where it does not.',
    input,
    effects: 'workspace',
    async execute({ path, old_text: old, new_text: fresh, all = false }, { signal }) {
      const place = await paths.find(path, signal);
      const text = await readTextFile(files, place, limits.fileBytes, signal);
      const { result, count } = replaceText(text, old, fresh, all, place.shown);
      await files.write(place.path, result, signal ? { signal } : {});
      return `Replaced ${count === 1 ? 'one occurrence' : `${count} occurrences`} in ${place.shown}.`;
    },
  });
}
