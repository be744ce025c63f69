import type { Provider } from '@gantry/core/driver';
import { weakBubblewrap } from './weak-bubblewrap.ts';

/** The subject that keeps root's capabilities. */
export default function weakCapable(): Provider {
  return weakBubblewrap('capable');
}
