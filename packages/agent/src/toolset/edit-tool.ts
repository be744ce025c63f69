import type { Files } from '@gantry/core';
import { z } from 'zod';
import { defineTool } from './define-tool.ts';
import type { ToolsetLimits } from './limits.ts';
import { readTextFile } from './text-file.ts';
import type { Tool } from './tool.ts';
import { ToolFailure } from './tool-failure.ts';
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

/** Replaces text that must be there, once unless `all` is true. Throws `ToolFailure` with what is there instead. */
function replaceText(
  text: string,
  old: string,
  fresh: string,
  all: boolean,
  shown: string,
): { readonly result: string; readonly count: number } {
  if (old === fresh) throw new ToolFailure('The old and the new text are the same.');
  const parts = text.split(old);
  const count = parts.length - 1;
  if (count === 0) throw new ToolFailure(`The text is not in ${shown}. ${hint(text, old)}`);
  if (count > 1 && !all) {
    const lines = parts.slice(0, -1).reduce<number[]>((found, part) => {
      const before = found.at(-1) ?? 1;
      return [...found, before + newlines(part) + (found.length > 0 ? newlines(old) : 0)];
    }, []);
    const where = lines.slice(0, 10).join(', ');
    throw new ToolFailure(
      `The text occurs ${count} times in ${shown}, at lines ${where}${lines.length > 10 ? ', …' : ''}. Give more of the lines around it, or set all.`,
    );
  }
  return { result: parts.join(fresh), count };
}

/** What may be the matter with text that is not there. */
function hint(text: string, old: string): string {
  const unix = text.replaceAll('\r\n', '\n');
  if (unix !== text && unix.includes(old.replaceAll('\r\n', '\n'))) {
    return 'It would be there with lines that end in \\r\\n, as those of the file do.';
  }
  const squeezed = (value: string): string => value.replaceAll(/\s+/g, ' ').trim();
  const lines = text.split('\n');
  const height = old.split('\n').length;
  const wanted = squeezed(old);
  if (wanted === '') return 'Read the file again.';
  const near = lines.findIndex((_, index) => {
    return squeezed(lines.slice(index, index + height).join('\n')).includes(wanted);
  });
  if (near >= 0) {
    const there = lines.slice(near, near + height).join('\n');
    return `Only the whitespace differs from lines ${near + 1} to ${near + height}, which are:\n${there.slice(0, 2000)}`;
  }
  const [first = ''] = old.split('\n').filter((line) => line.trim() !== '');
  const start = lines.findIndex((line) => line.trim() === first.trim());
  return start >= 0
    ? `Its first line is at line ${start + 1}, but what follows there differs. Read the file again.`
    : 'Not even its first line is there. Read the file again.';
}

function newlines(text: string): number {
  return text.split('\n').length - 1;
}
