import { exitNumber } from '@gantry/core';
import { z } from 'zod';
import { defineTool } from '../toolset/define-tool.ts';
import type { Toolset } from '../toolset/create-toolset.ts';
import { shorten } from '../toolset/shorten.ts';
import type { ShellSession } from '../toolset/shell-session.ts';
import type { JsonValue, ToolResult } from '../toolset/tool.ts';
import type { PresentedTool } from './presented-tool.ts';

const defaultTimeoutMs = 120_000;

const shellInput = z.object({
  action: z.object({
    commands: z.array(z.string().min(1)).min(1),
    timeoutMs: z.number().positive().nullish(),
    maxOutputLength: z.number().positive().nullish(),
  }),
});

/** The `shell` tool of the Responses API: some lines, one after another, each run to its end. */
export function openaiShell({ parts: { sessions, limits } }: Toolset): PresentedTool {
  const tool = defineTool({
    name: 'shell',
    description: 'Runs shell commands.',
    input: shellInput,
    effects: 'workspace',
    async execute({ action }, { signal }) {
      const timeoutMs = action.timeoutMs ?? defaultTimeoutMs;
      const output: JsonValue[] = [];
      const each = Math.max(Math.floor(limits.outputTokens / action.commands.length), 1);
      for (const command of action.commands) {
        const session = await sessions.start(command, { timeoutMs });
        await session.untilEnd(signal);
        sessions.forget(session);
        output.push(outputOf(session, each));
      }
      const text = JSON.stringify(output);
      // The API wants its own limit back beside the output.
      const most = action.maxOutputLength;
      const details = { output, ...(typeof most === 'number' ? { maxOutputLength: most } : {}) };
      return { content: [{ type: 'text', text }], details };
    },
  });
  return { ...tool, native: { id: 'openai.shell', args: {} }, output: shellOutput };
}

function outputOf(session: ShellSession, tokens: number): JsonValue {
  const { stdout, stderr } = session.take();
  const half = Math.ceil(tokens / 2);
  const said = { stdout: shorten(stdout, half), stderr: shorten(stderr, half) };
  const end = session.end;
  if (end?.how !== 'exit') return { ...said, outcome: { type: 'timeout' } };
  const { code, signal, unknown } = end.status;
  if (code !== undefined) return { ...said, outcome: { type: 'exit', exitCode: code } };
  // The form has no word for a signal.
  const told =
    signal === undefined ? `ended, it is not known how: ${unknown}` : `killed by ${signal}`;
  const exitCode = exitNumber(end.status) ?? 255;
  return { ...said, stderr: `${said.stderr}\n[${told}]`, outcome: { type: 'exit', exitCode } };
}

/** What did not even start is told as a shell tells it: by a complaint and 126. */
function shellOutput({ details, content }: ToolResult): JsonValue {
  if (details?.['output'] !== undefined) return details;
  const stderr = content.map((part) => (part.type === 'text' ? part.text : '')).join('\n');
  return { output: [{ stdout: '', stderr, outcome: { type: 'exit', exitCode: 126 } }] };
}

const patchInput = z.object({
  operation: z.discriminatedUnion('type', [
    z.object({ type: z.literal('create_file'), path: z.string().min(1), diff: z.string() }),
    z.object({ type: z.literal('update_file'), path: z.string().min(1), diff: z.string() }),
    z.object({ type: z.literal('delete_file'), path: z.string().min(1) }),
  ]),
});

/** The `apply_patch` tool of the Responses API: one file at a time, by the neutral tool. */
export function openaiPatch(toolset: Toolset): PresentedTool | undefined {
  const patch = toolset.get('apply_patch');
  if (!patch) return undefined;
  return {
    ...patch,
    input: patchInput,
    execute: async (input, context) => {
      const parsed = patchInput.safeParse(input);
      if (!parsed.success) return patch.execute(input, context);
      return patch.execute({ patch: patchText(parsed.data.operation) }, context);
    },
    native: { id: 'openai.apply_patch', args: {} },
    output: ({ content, isError }) => {
      const text = content.map((part) => (part.type === 'text' ? part.text : '')).join('\n');
      return { status: isError ? 'failed' : 'completed', output: text };
    },
  };
}

function patchText(operation: z.output<typeof patchInput>['operation']): string {
  const { type, path } = operation;
  const kinds = { create_file: 'Add', update_file: 'Update', delete_file: 'Delete' } as const;
  const diff = type === 'delete_file' ? [] : [operation.diff.replace(/\n$/, '')].filter(Boolean);
  return ['*** Begin Patch', `*** ${kinds[type]} File: ${path}`, ...diff, '*** End Patch'].join(
    '\n',
  );
}
