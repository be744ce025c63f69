import type { RunScope } from '@gantry/core/harness';
import { z } from 'zod';
import type { PresentedTool } from '../presentation/presented-tool.ts';
import { messageForModel } from '../toolset/tool-failure.ts';
import type { ToolResult } from '../toolset/tool.ts';

const resultSchema = z.object({
  content: z.array(
    z.discriminatedUnion('type', [
      z.object({ type: z.literal('text'), text: z.string() }),
      z.object({ type: z.literal('image'), mediaType: z.string(), base64: z.string() }),
    ]),
  ),
  isError: z.boolean(),
  details: z.record(z.string(), z.json()).optional(),
});

/** A result, fresh or from a journal, checked. */
const toolResult: { readonly parse: (value: unknown) => ToolResult } = {
  parse(value) {
    const { details, ...rest } = resultSchema.parse(value);
    return { ...rest, ...(details ? { details } : {}) };
  },
};

/** Calls a tool as a step of the run. Once it is recorded, its result comes from the journal. */
export async function toolStep(
  run: RunScope,
  tool: PresentedTool,
  input: unknown,
): Promise<ToolResult> {
  if (tool.perform) return tool.perform(input);
  const result = await run.step(
    `tool ${tool.name}`,
    // Read-only calls are steps of the workspace too: only then a sandbox that was lost is noticed.
    async ({ tool: record, signal }) => {
      try {
        return await record(tool.name, input, () => tool.execute(input, { signal }));
      } catch (error) {
        // A policy that denies the tool itself is the model's to deal with.
        const message = messageForModel(error);
        if (message === undefined) throw error;
        return { content: [{ type: 'text', text: message }], isError: true } as const;
      }
    },
    { schema: toolResult },
  );
  tool.remember?.(result);
  return result;
}
