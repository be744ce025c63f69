export { GantrySandboxClient } from './gantry-sandbox-client.ts';
export type { GantrySandboxClientOptions, GantryRunOptions, AfterRun } from './client-options.ts';
export type { GantrySandboxSession } from './gantry-sandbox-session.ts';
export type { GantrySessionState } from './session-state.ts';
