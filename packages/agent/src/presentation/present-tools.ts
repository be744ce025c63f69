import { z } from 'zod';
import type { Toolset } from '../toolset/create-toolset.ts';
import type { ToolResult } from '../toolset/tool.ts';
import { anthropicBash, anthropicEditor } from './anthropic-tools.ts';
import { openaiPatch, openaiShell } from './openai-tools.ts';
import type { PresentedTool, ToolFamily } from './presented-tool.ts';

/**
 * The tools of a toolset in the form that a family of models was trained on. What the vendor's own tools do, the neutral ones
 * that they stand for are left out.
 */
export function presentTools(toolset: Toolset, family: ToolFamily): readonly PresentedTool[] {
  return formsFor(toolset, family).map((tool) =>
    tool.name === 'shell' || tool.name === 'bash'
      ? { ...tool, remember: (result) => rememberShell(toolset, result) }
      : tool,
  );
}

/** A command that has ended left the shell's state behind, also where an earlier process ran it. */
function rememberShell({ parts }: Toolset, { details, isError }: ToolResult): void {
  const exit = ended.safeParse(details);
  if (!isError && exit.success) parts.sessions.expectState();
}

// The neutral tool's result, and OpenAI's.
const ended = z.union([
  z.object({ exit: z.object({ code: z.number() }) }),
  z.object({ output: z.array(z.object({ outcome: z.object({ exitCode: z.number().max(127) }) })) }),
]);

function formsFor(toolset: Toolset, family: ToolFamily): readonly PresentedTool[] {
  const has = (name: string): boolean => toolset.get(name) !== undefined;
  const without = (...names: readonly string[]): readonly PresentedTool[] =>
    toolset.tools.filter(({ name }) => !names.includes(name));
  if (family === 'openai') {
    const patch = openaiPatch(toolset);
    return [
      ...(has('shell') ? [openaiShell(toolset)] : []),
      ...(patch ? [patch] : []),
      ...(patch ? without('shell', 'apply_patch', 'write_file', 'edit') : without('shell')),
    ];
  }
  if (family === 'anthropic') {
    // The editor does what these do together; with a part of them it would do more than was allowed.
    const edited = ['read_file', 'write_file', 'edit', 'list_files'];
    const editor = edited.every(has);
    return [
      ...(has('shell') ? [anthropicBash(toolset)] : []),
      ...(editor ? [anthropicEditor(toolset)] : []),
      ...(editor ? without('shell', 'apply_patch', ...edited) : without('shell')),
    ];
  }
  return toolset.tools;
}

/**
 * The family that a model of the AI SDK belongs to: only two APIs know tools of their own, and only with models from some
 * generation on (GPT-5.1, Claude 4).
 */
export function familyOf(model: {
  readonly provider: string;
  readonly modelId: string;
}): ToolFamily {
  const { provider, modelId } = model;
  if (/^(?:openai|azure)\.responses$/.test(provider)) {
    return /^gpt-(?:5\.[1-9]|[6-9])/.test(modelId) ? 'openai' : 'function';
  }
  if (!/(?:^|\.)anthropic\.messages$/.test(provider)) return 'function';
  return /claude-(?:instant|[123](?:\D|$))/.test(modelId) ? 'function' : 'anthropic';
}
