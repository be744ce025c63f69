import { defineProvider, type Provider } from '@gantry/core/driver';
import { dockerDriver } from './driver.ts';
import type { DockerOptions } from './docker-options.ts';

/**
 * Sandboxes as containers of a Docker daemon: that of the options, of `DOCKER_HOST`, of the current docker
 * context, or of the default socket. Nothing is asked of the daemon before the first operation.
 */
export function docker(options: DockerOptions = {}): Provider {
  return defineProvider(dockerDriver(options));
}

export { docker as default };
export type { DockerOptions, PullProgress } from './docker-options.ts';
