import type { Sandbox } from '@gantry/core';
import { local } from '@gantry/provider-local';
import { onTestFinished } from 'vitest';
import { createToolset, type Toolset, type ToolsetOptions } from '../src/toolset.ts';

/** A toolset over a fresh local sandbox, gone when the test ends. */
export async function localToolset(
  options: ToolsetOptions = {},
): Promise<{ readonly sandbox: Sandbox; readonly toolset: Toolset; readonly call: ToolCall }> {
  const sandbox = await local().create();
  onTestFinished(() => sandbox.destroy());
  const toolset = createToolset(sandbox.restricted(), options);
  return { sandbox, toolset, call: caller(toolset) };
}

/** Calls a tool and gives the text of its answer, with `error: ` in front of what is one. */
export type ToolCall = (name: string, input: object) => Promise<string>;

/** Calls the tools of a toolset by name. */
export function caller(toolset: Toolset): ToolCall {
  return async (name, input) => {
    const tool = toolset.get(name);
    if (!tool) throw new Error(`no tool ${name}`);
    const { content, isError } = await tool.execute(input);
    // What a journal keeps must come back the same.
    const [first] = JSON.parse(JSON.stringify(content)) as { readonly text: string }[];
    return `${isError ? 'error: ' : ''}${first?.text ?? ''}`;
  };
}
