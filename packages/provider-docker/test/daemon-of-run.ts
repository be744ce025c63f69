import Dockerode from 'dockerode';
import { inject } from 'vitest';
import type { DaemonOfRun } from './global-setup.ts';

/** The daemon of this run of the tests. Throws why there is none: a test that needs it fails by name. */
export function daemonOfRun(): { readonly host: string; readonly client: Dockerode } {
  const found: DaemonOfRun = inject('docker');
  if ('problem' in found) throw new Error(found.problem);
  return {
    host: found.host,
    client: new Dockerode({ socketPath: found.host.replace('unix://', '') }),
  };
}
