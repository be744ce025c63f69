/** The emulator of Daytona: its API and events, and the daemon in each of its sandboxes. */
export { daytona } from './daytona/vendor.ts';
