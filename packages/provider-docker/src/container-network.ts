import { readFileSync, readlinkSync } from 'node:fs';
import { SandboxError, type SandboxRef } from '@gantry/core/driver';
import { type guestNetwork, hostProcess, type ProcessIdentity } from '@gantry/core/node';
import type Dockerode from 'dockerode';
import type { DaemonAddress } from './daemon-address.ts';

/** Why no container of a daemon can be reached in its own network from here, and what to do; `undefined` where it may be. */
export function interceptProblem(
  address: DaemonAddress,
  runtime: string | undefined,
): string | undefined {
  if (!address.isLocal) return 'the daemon is on another machine; use one of this machine';
  if (process.getuid?.() !== 0) {
    return 'entering the network of a container takes root on this machine; run as root';
  }
  if (runtime !== undefined && !/^(?:runc|crun|io\.containerd\.runc\.v2)$/.test(runtime)) {
    return `the runtime ${runtime} has a network of its own making; use runc`;
  }
  return undefined;
}

/** The network of a running container, by its first process. Throws `failed-precondition` where this machine cannot enter it. */
export function containerNetwork(
  address: DaemonAddress,
  ref: SandboxRef,
  { Id, State, HostConfig }: Dockerode.ContainerInspectInfo,
): guestNetwork.InterceptedNetwork {
  const refuse = (why: string): SandboxError =>
    new SandboxError(
      'failed-precondition',
      `what sandbox ${ref.id} connects to cannot be intercepted: ${why}`,
      { ref },
    );
  const problem = interceptProblem(address, HostConfig.Runtime);
  if (problem !== undefined) throw refuse(problem);
  const { NetworkMode: mode } = HostConfig;
  if (mode !== 'none') throw refuse(`its network is ${mode}, which has other ways out`);
  const main = hostProcess.identifyProcess(State.Pid);
  // The daemon may count processes elsewhere: in a virtual machine, or in another container.
  if (!main || !isOfContainer(main, Id) || networkOf(main) === networkOf()) {
    throw refuse('its processes are not among those of this machine that can be seen from here');
  }
  return { main };
}

/** Whether the kernel, or the shim that the runtime was started by, names the container. */
function isOfContainer({ pid }: ProcessIdentity, id: string): boolean {
  const read = (file: string): string => {
    try {
      return readFileSync(file, 'latin1');
    } catch {
      // It has ended meanwhile: then it is nobody's.
      return '';
    }
  };
  if (read(`/proc/${pid}/cgroup`).includes(id)) return true;
  const parent = /^PPid:\t(\d+)$/m.exec(read(`/proc/${pid}/status`))?.[1];
  return parent !== undefined && read(`/proc/${parent}/cmdline`).includes(id);
}

function networkOf(main?: ProcessIdentity): string | undefined {
  try {
    return readlinkSync(`/proc/${main?.pid ?? 'self'}/ns/net`);
  } catch {
    // Nothing has no network, as this process has one.
    return undefined;
  }
}
