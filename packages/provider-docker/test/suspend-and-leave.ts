import { docker } from '../src/index.ts';

// Makes a sandbox with few milliseconds to live, suspends it, says which it is, and ends without any cleaning up.

const [host = '', image = '', maxLifetimeMs = ''] = process.argv.slice(2);
const sandbox = await docker({ host, image }).create({ maxLifetimeMs: Number(maxLifetimeMs) });
await sandbox.suspend();
process.stdout.write(JSON.stringify(sandbox.ref));
process.kill(process.pid, 'SIGKILL');
