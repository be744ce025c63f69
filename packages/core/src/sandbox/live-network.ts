import type { Call } from '../contract/call.ts';
import type { NetworkPolicy, NetworkRecorder } from '../contract/network.ts';
import { limitsRequests } from '../manifest/network-rule.ts';
import { unsupported } from '../provider/capabilities.ts';
import type { Session } from '../provider/session.ts';

/** What changes the policy of a sandbox that runs; refuses first what is not declared. */
export function networkSetter(
  { driver, handle, capabilities }: Session,
  policy: NetworkPolicy,
): (call: Call) => Promise<void> {
  const { network } = driver;
  const set = network?.set?.bind(network);
  if (!set) throw unsupported(driver.id, 'setNetwork', 'network.live');
  if (!capabilities.network?.modes.includes(policy.mode)) {
    throw unsupported(driver.id, `setNetwork to ${policy.mode}`, 'network.modes');
  }
  if (limitsRequests(policy) && capabilities.network.requests !== true) {
    throw unsupported(driver.id, 'setNetwork with rules for requests', 'network.requests');
  }
  return (call) => set(handle, policy, call);
}

/** Has a recorder told what a sandbox tries to reach. */
export function recordNetwork(
  { driver, handle, capabilities }: Session,
  recorder: NetworkRecorder,
): void {
  const { network } = driver;
  if (!network?.record || capabilities.network?.recorded !== true) {
    throw unsupported(driver.id, 'recordNetwork', 'network.recorded');
  }
  network.record(handle, recorder);
}
