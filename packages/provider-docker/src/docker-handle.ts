import type { DriverHandle } from '@gantry/core/driver';
import type { guestNetwork } from '@gantry/core/node';
import type Dockerode from 'dockerode';
import type { LanePool } from './lane-pool.ts';

/** What this process knows of a live sandbox. */
export interface DockerHandle extends DriverHandle {
  readonly container: Dockerode.Container;
  readonly lanes: LanePool;
  readonly interceptor: guestNetwork.Interceptor;
  /** `uid:gid` that commands run as by default. */
  readonly owner: string;
  readonly root: 'read-only' | 'copy-on-write';
  /** Without one, commands go through the daemon's API, and what core does by scripts cannot be done. */
  readonly hasShell: boolean;
  /** Id of the image that snapshots are layered on. */
  readonly base: string;
}
