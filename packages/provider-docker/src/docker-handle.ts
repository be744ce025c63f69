import type { DriverHandle } from '@gantry/core/driver';
import type Dockerode from 'dockerode';
import type { LanePool } from './lane-pool.ts';

/** What this process knows of a live sandbox. */
export interface DockerHandle extends DriverHandle {
  readonly container: Dockerode.Container;
  readonly lanes: LanePool;
  /** `uid:gid` that commands run as by default. */
  readonly owner: string;
  readonly root: 'read-only' | 'copy-on-write';
  /** Id of the image that this sandbox's image was prepared from. */
  readonly base: string;
}
