import type { Duplex } from 'node:stream';
import type Dockerode from 'dockerode';
import type { SandboxRef } from '@gantry/core/driver';
import { guestNetwork } from '@gantry/core/node';
import type { DockerHandle } from './docker-handle.ts';
import { dockerError } from './errors.ts';
import { defaultOwner, execUser } from './image-user.ts';
import { ownLabels } from './labels.ts';
import { LanePool } from './lane-pool.ts';
import { laneScript, underInit } from './lane-script.ts';
import { openExec } from './open-exec.ts';

/** The parts of a container that a handle is made of. */
export interface HandleSource {
  readonly container: Dockerode.Container;
  readonly labels: Readonly<Record<string, string>>;
  readonly networkMode: string | undefined;
}

/** The handle of a running container. Asks nothing of the daemon: the first command opens the first lane. */
export function openHandle(
  ref: SandboxRef,
  { container, labels, networkMode }: HandleSource,
): DockerHandle {
  const owner = labels[ownLabels.owner] ?? defaultOwner;
  const open = async (user: string | undefined, signal?: AbortSignal): Promise<Duplex> => {
    const options = {
      Cmd: underInit(laneScript),
      User: user === undefined ? owner : execUser(user),
    };
    return (await openExec(container, options, signal)).socket;
  };
  const isSuspended = async (): Promise<boolean> => {
    const { State } = await container.inspect().catch((error: unknown) => {
      throw dockerError(error, `looking for sandbox ${ref.id}`);
    });
    return State.Paused;
  };
  const hasShell = labels[ownLabels.shell] !== 'none';
  const narrowed = {
    ...(networkMode === 'none' ? { ports: false as const } : {}),
    ...(hasShell ? {} : { terminal: false as const }),
  };
  return {
    ref,
    container,
    lanes: new LanePool(open, isSuspended),
    interceptor: new guestNetwork.Interceptor(),
    owner,
    root: labels[ownLabels.root] === 'copy-on-write' ? 'copy-on-write' : 'read-only',
    base: labels[ownLabels.base] ?? '',
    hasShell,
    ...(Object.keys(narrowed).length > 0 ? { narrowed } : {}),
  };
}
