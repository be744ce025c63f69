/** The emulator of E2B: its control plane and envd, the daemon in each of its sandboxes. */
export { e2b } from './e2b/vendor.ts';
