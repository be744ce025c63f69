/** What runs on a host only: the resident agent's side of it, and what providers of local sandboxes share. */
export { AgentClient } from './node/agent/agent-client.ts';
export type { AgentClientOptions } from './node/agent/agent-client.ts';
export { agentScript } from './node/agent/agent-script.ts';
export { laneFiles, laneNames } from './node/agent/lane-names.ts';
export { readableFromSocket, writableToSocket } from './node/byte-streams.ts';
export { ConfinedDirectory } from './node/confined/confined-directory.ts';
export type { ConfinedEntry } from './node/confined/confined-directory.ts';
export { directoryStore } from './node/directory-store/directory-store.ts';
export { identifyProcess, isRunning, killProcess, waitUntilGone } from './node/process-identity.ts';
export type { ProcessIdentity } from './node/process-identity.ts';
