import type { ToolContent, ToolResult } from '@gantry/agent/toolset';
import { SandboxError } from '@gantry/core';
import { type CallToolResult, ErrorCode, McpError } from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';
import type { SessionTool } from './session-tool.ts';

/** Calls a tool. What the model can mend, and what the sandbox refused, is an answer; what else goes wrong is the protocol's error. */
export async function callTool(
  tools: readonly SessionTool[],
  { name, arguments: given = {} }: { readonly name: string; readonly arguments?: unknown },
  signal: AbortSignal,
): Promise<CallToolResult> {
  const tool = tools.find((candidate) => candidate.name === name);
  if (!tool) throw new McpError(ErrorCode.InvalidParams, `there is no tool ${name}`);
  try {
    return answer(await tool.execute(given, { signal }));
  } catch (error) {
    const message = messageOf(name, error);
    if (message === undefined) throw error;
    return { content: [{ type: 'text', text: message }], isError: true };
  }
}

function messageOf(name: string, error: unknown): string | undefined {
  if (error instanceof z.ZodError) {
    return `The input of ${name} does not fit:\n${z.prettifyError(error)}`;
  }
  if (!SandboxError.is(error)) return undefined;
  const { code, message, outcome } = error;
  const may = outcome === 'unknown' ? ' It may have had an effect.' : '';
  return `${code}: ${message}${may}`;
}

function answer({ content, isError, details }: ToolResult): CallToolResult {
  return {
    content: content.map(part),
    ...(isError ? { isError } : {}),
    ...(details === undefined ? {} : { structuredContent: { ...details } }),
  };
}

function part(content: ToolContent): CallToolResult['content'][number] {
  if (content.type === 'text') return { type: 'text', text: content.text };
  return { type: 'image', data: content.base64, mimeType: content.mediaType };
}
