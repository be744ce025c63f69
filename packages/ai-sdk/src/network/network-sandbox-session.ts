import type { HarnessV1NetworkSandboxSession } from '@ai-sdk/harness';
import type { Sandbox } from '@gantry/core';
import {
  sandboxSession,
  type SandboxSessionOptions,
  workspaceRoot,
} from '../session/sandbox-session.ts';
import { networkPolicy } from './network-policy.ts';
import { portEndpoint, portUrl } from './port-endpoint.ts';

/** How a network session presents its sandbox. */
export interface NetworkSandboxSessionOptions extends Omit<
  SandboxSessionOptions,
  'workingDirectory'
> {
  /** The ports that the sandbox was made with. Default: none. */
  readonly ports?: readonly number[];
  /** What `stop` does. Default: `suspend` where the provider can, else `leave-running`. */
  readonly onStop?: 'suspend' | 'leave-running' | 'destroy';
}

/**
 * A sandbox as a harness of the AI SDK is given it: what `sandboxSession` has, and ports, network and lifetime. `stop` never loses a
 * workspace unless `onStop` says `destroy`.
 */
export function networkSandboxSession(
  sandbox: Sandbox,
  options: NetworkSandboxSessionOptions = {},
): HarnessV1NetworkSandboxSession {
  const { network, suspend } = sandbox.capabilities;
  const { ports = [], onStop = suspend ? 'suspend' : 'leave-running' } = options;
  const endpoint: HarnessV1NetworkSandboxSession['getPortEndpoint'] = async ({ port, protocol }) =>
    portEndpoint(await sandbox.expose(port), protocol);
  let stopping: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    if (onStop === 'destroy') return sandbox.destroy();
    if (onStop === 'suspend') await sandbox.suspend();
    return sandbox.release();
  };
  return {
    ...sandboxSession(sandbox, options),
    id: sandbox.ref.id,
    defaultWorkingDirectory: workspaceRoot,
    ports,
    getPortEndpoint: endpoint,
    getPortUrl: async (asked) => portUrl(await endpoint(asked)),
    stop: () => (stopping ??= stop()),
    destroy: async () => {
      // A stop that failed is told to who called it; the sandbox is to go in any case.
      await stopping?.catch(() => undefined);
      await sandbox.destroy();
    },
    ...(network?.live
      ? { setNetworkPolicy: async (policy) => sandbox.setNetwork(networkPolicy(policy)) }
      : {}),
    restricted: () => sandboxSession(sandbox.restricted(), options),
  };
}
