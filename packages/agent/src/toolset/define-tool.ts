import { z } from 'zod';
import { messageForModel } from './tool-failure.ts';
import type { Tool, ToolContent, ToolContext, ToolResult } from './tool.ts';

/** What a tool's own code gives back: text, or a whole result. */
type ToolAnswer = string | Omit<ToolResult, 'isError'>;

/** A tool as it is written: `execute` gets input that fits. */
export interface ToolDefinition<Schema extends z.ZodObject> extends Omit<
  Tool,
  'input' | 'execute'
> {
  readonly input: Schema;
  execute(input: z.output<Schema>, context: ToolContext): Promise<ToolAnswer>;
}

/** Makes a tool: checks the input, and turns what the model can mend into a result. */
export function defineTool<Schema extends z.ZodObject>(definition: ToolDefinition<Schema>): Tool {
  const { name, input } = definition;
  return {
    ...definition,
    async execute(given, context = {}) {
      const parsed = input.safeParse(given);
      if (!parsed.success) {
        return failed(`The input of ${name} does not fit:\n${z.prettifyError(parsed.error)}`);
      }
      context.signal?.throwIfAborted();
      try {
        const answer = await definition.execute(parsed.data, context);
        if (typeof answer !== 'string') return { ...answer, isError: false };
        return { content: [text(answer)], isError: false };
      } catch (error) {
        const message = messageForModel(error);
        if (message === undefined) throw error;
        return failed(message);
      }
    },
  };
}

function failed(message: string): ToolResult {
  return { content: [text(message)], isError: true };
}

function text(value: string): ToolContent {
  return { type: 'text', text: value };
}
