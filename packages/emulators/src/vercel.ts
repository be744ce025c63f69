/** The emulator of Vercel Sandbox: its API, terminals and the ports of its sandboxes. */
export { vercel } from './vercel/vendor.ts';
