#!/usr/bin/env node
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  process.stderr.write(
    `gantry needs Node 22.18 or newer; this is Node ${process.versions.node}.\n`,
  );
  process.exit(125);
}
await import('../dist/main.js');
