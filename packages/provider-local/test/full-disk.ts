// Run in a mount namespace with a small file system: `node full-disk.ts DIRECTORY-ON-IT`.
import assert from 'node:assert/strict';
import path from 'node:path';
import { local } from '../src/index.ts';
import { assertNothingLeft, collectAll, shell } from './scenario.ts';

const [directory = ''] = process.argv.slice(2);
const stateDirectory = path.join(directory, 'state');
const provider = local({ stateDirectory });
const sandbox = await provider.create();
const filled = await sandbox.exec('head -c 100000000 /dev/zero >big');
assert.ok(!filled.ok);
assert.match(filled.stderr.text, /No space left on device/);
await assert.rejects(sandbox.files.write('more', 'x'.repeat(100_000)), {
  code: 'resource-exhausted',
  details: { path: 'more', reason: 'no-space' },
});
// The commands that are needed to get out of it still run.
assert.match(await shell(sandbox, 'ls'), /big/);
await assert.rejects(provider.create(), { code: 'resource-exhausted' });
await shell(sandbox, 'rm big');
await sandbox.files.write('more', 'x'.repeat(100_000));
await shell(sandbox, 'head -c 100000000 /dev/zero >big || true');
await sandbox.destroy();
await collectAll(provider.list());
assertNothingLeft({ provider, stateDirectory, scratch: directory });
process.stdout.write('the disk was full and is free again\n');
