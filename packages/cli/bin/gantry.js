#!/usr/bin/env node
// Not by name: an older Node lacks it, and could then not even say so.
import module from 'node:module';

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  process.stderr.write(
    `gantry needs Node 22.18 or newer; this is Node ${process.versions.node}.\n`,
  );
  process.exit(125);
}
// Node keeps compiled code in its own cache directory: the second start compiles nothing.
module.enableCompileCache();
await import('../dist/main.js');
