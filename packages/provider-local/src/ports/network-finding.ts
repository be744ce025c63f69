import type { Finding } from '@gantry/core/driver';
import { guestNetwork } from '@gantry/core/node';

/** Whether the network of a sandbox can be reached here, for its ports and what it sends; sandboxes themselves do not need it. */
export async function findPortsEntry(): Promise<Finding> {
  const entry = await guestNetwork.findNetworkEntry();
  return {
    control: 'ports',
    ok: entry !== undefined,
    message: entry ? `reached with ${entry.program}` : guestNetwork.withoutNetworkEntry,
  };
}
