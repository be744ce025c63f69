import { once } from 'node:events';
import { homedir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { startDemoServer } from './demo-server.ts';

// `npm run demo`: serves the demo until it is interrupted.

const { values: options } = parseArgs({
  options: {
    /** On 127.0.0.1; 0, the default, takes a free one. */
    port: { type: 'string', default: '0' },
    /** Where everything is kept that outlives the server. */
    state: { type: 'string' },
  },
});

const home = process.env['XDG_STATE_HOME'] || path.join(homedir(), '.local', 'state');
const stateDirectory = path.resolve(options.state ?? path.join(home, 'gantry', 'demo'));
const port = Number(options.port);
if (!Number.isInteger(port) || port < 0 || port > 65_535) {
  console.error(`--port must be a number from 0 to 65535, and is ${JSON.stringify(options.port)}`);
  process.exit(64); // EX_USAGE of sysexits(3)
}

const server = await startDemoServer({ port, stateDirectory }).catch((error: unknown) => {
  const inUse = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
  if (!inUse) throw error;
  console.error(
    `port ${port} of 127.0.0.1 is in use; give another one, or none to take a free one`,
  );
  process.exit(1);
});
console.log(`Gantry demo: ${server.url}`);
console.log('It is for this machine and whoever has this address. Ctrl-C ends it.');
await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
const left = server.context.sandboxes.list().filter(({ emulated }) => !emulated).length;
console.log(
  left === 0
    ? 'ending the demo and its emulators'
    : `ending the demo and its emulators; ${left} sandboxes live on until their time is over, and the next start shows them again`,
);
await server[Symbol.asyncDispose]();
// Connections that a provider keeps to its daemon or vendor would hold the process for as long as they last.
process.exit(0);
