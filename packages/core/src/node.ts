/** What runs on a host only: the resident agent's side of it, and what providers of local sandboxes share. */
export { AgentClient } from './node/agent/agent-client.ts';
export type { AgentClientOptions } from './node/agent/agent-client.ts';
export { agentScript } from './node/agent/agent-script.ts';
export { newMark } from './node/agent/command-text.ts';
export { reservedBytes as laneCommandBytes } from './node/agent/lane-channel.ts';
export { laneFiles, laneNames } from './node/agent/lane-names.ts';
export { unlessAborted } from './node/agent/unless-aborted.ts';
export { noDirectory } from './node/agent/no-directory.ts';
export { readableFromSocket, writableToSocket } from './node/byte-streams.ts';
export { shellExitStatus } from './node/agent/shell-exit-status.ts';
export { shellEnvironment, shellWord } from './node/agent/shell-words.ts';
export { ConfinedDirectory } from './node/confined/confined-directory.ts';
export type { ConfinedEntry } from './node/confined/confined-directory.ts';
export { directoryStore } from './node/directory-store/directory-store.ts';
export { openFifo } from './node/fifo.ts';
export { tellOutOfMemory } from './node/out-of-memory.ts';
export {
  identifyProcess,
  isRunning,
  killProcess,
  ownIdentity,
  waitUntilGone,
} from './node/process-identity.ts';
export type { ProcessIdentity } from './node/process-identity.ts';
export { refusedSystemCalls } from './node/refused-system-calls.ts';
export type { RefusedSystemCall } from './node/refused-system-calls.ts';
export { siblingScript } from './node/sibling-script.ts';
export { Spawner } from './node/spawner.ts';
export type { SpawnerOptions } from './node/spawner.ts';
