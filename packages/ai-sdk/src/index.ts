/** Sandboxes for `experimental_sandbox` of the AI SDK. The harness sandbox provider is in `@gantry/ai-sdk/harness`. */
export { sandboxSession } from './session/sandbox-session.ts';
export type { SandboxSessionOptions } from './session/sandbox-session.ts';
