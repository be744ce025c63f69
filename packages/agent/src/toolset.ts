/** The tools alone, without the agent: for bridges into other frameworks. */
export { createToolset } from './toolset/create-toolset.ts';
export type { ToolName, Toolset, ToolsetOptions, ToolsetParts } from './toolset/create-toolset.ts';
export type { ToolsetLimits } from './toolset/limits.ts';
export type * from './toolset/tool.ts';
