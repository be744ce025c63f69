import { z } from 'zod';
import { mainName, type SessionSandboxes } from '../session/session-sandboxes.ts';
import type { SessionTool } from './session-tool.ts';

/** How a tool says in which sandbox it works. */
export const sandboxField: z.ZodOptional<z.ZodString> = z
  .string()
  .min(1)
  .max(100)
  .optional()
  .describe(`Which sandbox, by its name. Default: ${mainName}.`);

/** The tools of the toolset, each for any sandbox of the session. */
export function toolsetTools(sandboxes: SessionSandboxes): readonly SessionTool[] {
  return sandboxes.toolset().tools.map(({ name, description, input, effects }) => ({
    name,
    description,
    effects,
    input: input.extend({ sandbox: sandboxField }),
    async execute(given, context) {
      // Of the rest the tool itself thinks.
      const { sandbox, ...rest } = z.looseObject({ sandbox: sandboxField }).parse(given);
      const tool = sandboxes.toolset(sandbox).get(name);
      if (!tool) throw new TypeError(`the toolset lost its tool ${name}`);
      return tool.execute(rest, context);
    },
  }));
}
