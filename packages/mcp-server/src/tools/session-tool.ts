import type { ToolContext, ToolResult } from '@gantry/agent/toolset';
import type { z } from 'zod';

/** Something that a client can call in its session. */
export interface SessionTool {
  readonly name: string;
  readonly description: string;
  readonly input: z.ZodObject;
  /** `none`: changes nothing. `destructive`: ends or overwrites what was there. */
  readonly effects: 'none' | 'workspace' | 'destructive';
  execute(input: unknown, context: ToolContext): Promise<ToolResult>;
}

/** A tool as it is written: its input was checked. What it returns is for the model and, as JSON, for programs. */
export function sessionTool<Schema extends z.ZodObject>(definition: {
  readonly name: string;
  readonly description: string;
  readonly input: Schema;
  readonly effects: SessionTool['effects'];
  execute(
    input: z.output<Schema>,
    context: ToolContext,
  ): Promise<{ readonly text: string; readonly details?: NonNullable<ToolResult['details']> }>;
}): SessionTool {
  return {
    ...definition,
    async execute(given, context) {
      const { text, details } = await definition.execute(definition.input.parse(given), context);
      const content = [{ type: 'text', text }] as const;
      return { content, isError: false, ...(details === undefined ? {} : { details }) };
    },
  };
}
