import type Dockerode from 'dockerode';
import { ownLabels } from './labels.ts';
import { statusOf } from './errors.ts';

/** The daemon's network for sandboxes of mode `open`: out to everywhere, but not to one another. */
export const openNetwork = 'gantry-open';

/** Makes the network where the daemon does not have it yet. It stays: it costs nothing, and others may use it. */
export async function ensureOpenNetwork(daemon: Dockerode, signal: AbortSignal): Promise<void> {
  try {
    await daemon.getNetwork(openNetwork).inspect();
    return;
  } catch (error) {
    if (statusOf(error) !== 404) throw error;
  }
  try {
    await daemon.createNetwork({
      Name: openNetwork,
      CheckDuplicate: true,
      Driver: 'bridge',
      Options: { 'com.docker.network.bridge.enable_icc': 'false' },
      Labels: { [ownLabels.kind]: 'network' },
      abortSignal: signal,
    });
  } catch (error) {
    // Another create was quicker.
    if (statusOf(error) !== 409) throw error;
  }
}
