import os from 'node:os';
import path from 'node:path';
import { testNetwork } from '@gantry/conformance';
import type { Provider } from '@gantry/core';
import { docker, type DockerOptions } from '@gantry/provider-docker';
import { local } from '@gantry/provider-local';
import { withEgress } from '../src/index.ts';

/** A provider with its proxy, as the conformance suite and its other processes load it: local sandboxes, or those of a daemon. */
export default function subject(options: { readonly docker?: DockerOptions } = {}): Provider {
  const { docker: daemon } = options;
  const own = process.env['GANTRY_STATE_DIRECTORY'] ?? os.tmpdir();
  const stateDirectory = path.join(own, 'gantry-conformance-egress');
  return withEgress(daemon ? docker(daemon) : local(), { ...testNetwork, stateDirectory });
}
