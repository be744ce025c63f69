/** A durable agent and what it is made of. */
export { createAgent } from './agent/create-agent.ts';
export type * from './agent/agent-types.ts';
export { composeInstructions } from './instructions/compose-instructions.ts';
export type { InstructionsOptions } from './instructions/compose-instructions.ts';
export type { McpServer } from './mcp/mcp-servers.ts';
export { mcpServers } from './mcp/mcp-servers.ts';
export type { MemoryOptions } from './memory/memory.ts';
export { memory } from './memory/memory.ts';
export { familyOf, presentTools } from './presentation/present-tools.ts';
export type { PresentedTool, ToolFamily } from './presentation/presented-tool.ts';
export type { SkillSource } from './skills/read-skills.ts';
export { skills } from './skills/skills.ts';
export type { SubagentOptions } from './subagents/subagent.ts';
export { subagent } from './subagents/subagent.ts';
export { createToolset } from './toolset/create-toolset.ts';
export type { ToolName, Toolset, ToolsetOptions } from './toolset/create-toolset.ts';
export type { ToolsetLimits } from './toolset/limits.ts';
export type * from './toolset/tool.ts';
