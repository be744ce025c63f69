import { jsonSchema, type ToolResultPart, type ToolSet } from 'ai';
import { z } from 'zod';
import type { PresentedTool } from '../presentation/presented-tool.ts';
import type { ToolResult } from '../toolset/tool.ts';

/** The tools as the AI SDK sends them to a model. None has an `execute`: calls are steps of the run. */
export function aiTools(tools: readonly PresentedTool[]): ToolSet {
  const set: ToolSet = {};
  for (const { name, description, input, native, schema: given } of tools) {
    if (native) {
      const { id, args } = native;
      const inputSchema = jsonSchema({ type: 'object' });
      set[name] = {
        type: 'provider',
        isProviderExecuted: false,
        id,
        args: { ...args },
        inputSchema,
      };
    } else {
      // Without a validator of its own: the tool checks its input, and says to the model what is wrong.
      const { $schema: _, ...schema } =
        given ?? z.toJSONSchema(input, { target: 'draft-7', io: 'input' });
      set[name] = { description, inputSchema: jsonSchema(schema) };
    }
  }
  return set;
}

/** A result as the AI SDK sends it. */
export function aiOutput(
  tool: PresentedTool | undefined,
  result: ToolResult,
): ToolResultPart['output'] {
  // Through JSON, since the SDK's type of a value is one that may be written to.
  if (tool?.output) return { type: 'json', value: structuredClone(tool.output(result)) };
  const texts = result.content.map((part) => (part.type === 'text' ? part.text : ''));
  if (result.isError) return { type: 'error-text', value: texts.join('\n') };
  if (result.content.every((part) => part.type === 'text')) {
    return { type: 'text', value: texts.join('\n') };
  }
  return {
    type: 'content',
    value: result.content.map((part) =>
      part.type === 'text'
        ? { type: 'text', text: part.text }
        : { type: 'file', mediaType: part.mediaType, data: { type: 'data', data: part.base64 } },
    ),
  };
}
