import { z } from 'zod';
import { defineTool } from '../toolset/define-tool.ts';
import type { Toolset } from '../toolset/create-toolset.ts';
import { answerOf } from '../toolset/shell-tool.ts';
import { insertLines } from '../toolset/edit-text.ts';
import { readTextFile } from '../toolset/text-file.ts';
import type { ToolContext, ToolResult } from '../toolset/tool.ts';
import { ToolFailure } from '../toolset/tool-failure.ts';
import type { PresentedTool } from './presented-tool.ts';

const timeoutMs = 120_000;

/** The `bash` tool: one line at a time in a shell with state, and a fresh one on `restart`. */
export function anthropicBash({ parts: { sessions, limits } }: Toolset): PresentedTool {
  const tool = defineTool({
    name: 'bash',
    description: 'Runs a line in a shell with state.',
    input: z.object({ command: z.string().optional(), restart: z.boolean().optional() }),
    effects: 'workspace',
    async execute({ command = '', restart = false }, { signal }) {
      if (restart) await sessions.restart();
      if (command === '') {
        if (restart) return 'The shell begins anew.';
        throw new ToolFailure('Give a command.');
      }
      const session = await sessions.start(command, { timeoutMs });
      await session.untilEnd(signal);
      return answerOf(sessions, session, limits.outputTokens);
    },
  });
  return { ...tool, native: { id: 'anthropic.bash_20250124', args: {} } };
}

const editorInput = z.object({
  command: z.enum(['view', 'create', 'str_replace', 'insert']),
  path: z.string().min(1),
  view_range: z.array(z.int()).nullish(),
  file_text: z.string().nullish(),
  old_str: z.string().nullish(),
  new_str: z.string().nullish(),
  insert_line: z.int().min(0).nullish(),
  insert_text: z.string().nullish(),
});
type EditorInput = z.output<typeof editorInput>;

/** The text editor tool, by the neutral tools. */
export function anthropicEditor(toolset: Toolset): PresentedTool {
  const tool = defineTool({
    name: 'str_replace_based_edit_tool',
    description: 'Views, creates and edits text files.',
    input: editorInput,
    effects: 'workspace',
    execute: async (call, context) => answerText(await edit(toolset, call, context)),
  });
  return { ...tool, native: { id: 'anthropic.text_editor_20250728', args: {} } };
}

async function edit(
  { parts, named }: Toolset,
  call: EditorInput,
  context: ToolContext,
): Promise<ToolResult> {
  const { path, view_range: range, new_str: fresh, old_str: old } = call;
  if (call.command === 'create') {
    return named.write_file.execute({ path, content: call.file_text ?? '' }, context);
  }
  if (call.command === 'str_replace') {
    return named.edit.execute({ path, old_text: old ?? '', new_text: fresh ?? '' }, context);
  }
  const place = await parts.paths.find(path, context.signal);
  if (call.command === 'insert') {
    const { files } = parts.sandbox;
    const text = await readTextFile(files, place, parts.limits.fileBytes, context.signal);
    const inserted = insertLines(text, call.insert_line ?? 0, call.insert_text ?? fresh ?? '');
    return named.write_file.execute({ path, content: inserted }, context);
  }
  if (place.stat?.type === 'directory') {
    return named.list_files.execute({ path, depth: 2 }, context);
  }
  const [first = 1, last = -1] = range ?? [];
  const limit = last === -1 ? {} : { limit: Math.max(last - first + 1, 1) };
  return named.read_file.execute({ path, offset: Math.max(first, 1), ...limit }, context);
}

/** The same, as the answer of a tool that another one stands for. */
function answerText({ content, isError, details }: ToolResult): Omit<ToolResult, 'isError'> {
  if (!isError) return { content, ...(details ? { details } : {}) };
  throw new ToolFailure(content.map((part) => (part.type === 'text' ? part.text : '')).join('\n'));
}
