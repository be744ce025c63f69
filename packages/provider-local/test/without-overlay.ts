// Run with a state directory on an overlay: `node without-overlay.ts DIRECTORY`.
import assert from 'node:assert/strict';
import { local } from '../src/index.ts';
import { shell } from './scenario.ts';

const [stateDirectory = ''] = process.argv.slice(2);
const provider = local({ stateDirectory });
const { root } = await provider.probe();
assert.deepEqual(root, { modes: ['read-only'] });
const finding = (await provider.diagnose()).find(({ control }) => control === 'copy-on-write root');
assert.equal(finding?.ok, false);
assert.match(finding?.message ?? '', /GANTRY_STATE_DIRECTORY/);
const manifest = { spec: 'gantry-manifest/1', root: 'copy-on-write' } as const;
await assert.rejects(provider.create({ manifest }), {
  code: 'unsupported',
  details: { capability: 'root' },
});
await using sandbox = await provider.create();
await shell(sandbox, 'true');
process.stdout.write('refused, and a read-only root runs\n');
