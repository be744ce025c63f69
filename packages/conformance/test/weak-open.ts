import type { Provider } from '@gantry/core/driver';
import { weakBubblewrap } from './weak-bubblewrap.ts';

/** The subject that sees the whole host. */
export default function weakOpen(): Provider {
  return weakBubblewrap('open');
}
