// Takes one snapshot after another of a workspace that changes, into the directory store that is named. Prints a line
// whenever the store begins to write something, until it is killed.
import { randomBytes } from 'node:crypto';
import { writeFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import { defineProvider } from '../../src/driver.ts';
import type { SnapshotStore } from '../../src/index.ts';
import { directoryStore } from '../../src/node.ts';
import { hostDriver } from '../host-driver.ts';

const inner = directoryStore(process.argv[2] ?? '');
const store: SnapshotStore = {
  ...inner,
  put(key, contents, options) {
    writeSync(1, 'put\n');
    return inner.put(key, contents, options);
  },
};
const sandbox = await defineProvider(hostDriver()).create();
const workspace = (await sandbox.exec('pwd -P')).stdout.text.trim();
let parent;
for (let step = 0; ; step += 1) {
  for (let file = 0; file < 20; file += 1) {
    writeFileSync(path.join(workspace, `${step % 3}-${file}`), randomBytes(20_000));
  }
  parent = await sandbox.snapshot(store, parent ? { parent } : {});
}
