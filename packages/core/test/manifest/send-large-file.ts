/** Run as a program: sends one large file into a workspace and prints how much memory that took at its peak. */
import { truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { collectOutputs } from '../../src/manifest/collect-outputs.ts';
import { materialize } from '../../src/manifest/materialize.ts';
import { planManifest } from '../../src/manifest/plan-manifest.ts';
import { resolveManifest } from '../../src/manifest/resolve-manifest.ts';
import { freshCall, hostWorkspace } from './host-workspace-target.ts';

await using workspace = await hostWorkspace();
const megabytes = Number(process.argv[2]);
const source = path.join(workspace.base, 'large');
writeFileSync(source, '');
truncateSync(source, megabytes * 1024 * 1024);
const call = freshCall();
const resolved = await resolveManifest(
  { spec: 'gantry-manifest/1', entries: { large: { type: 'localFile', source } } },
  { baseDirectory: workspace.base, call },
);
const plan = planManifest(resolved, workspace);
const receipt = await materialize(resolved, plan, workspace, call);
const outputs = [{ path: 'large' }];
const destination = path.join(workspace.base, 'out');
const collected = await collectOutputs(workspace, { outputs, destination }, call);
console.log(
  JSON.stringify({
    sent: receipt.entries[0]?.sha256,
    collected: collected.entries[0]?.sha256,
    peakMegabytes: Math.round(process.resourceUsage().maxRSS / 1024),
  }),
);
