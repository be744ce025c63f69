import type { ComparisonView } from '../../../../src/protocol/compare.ts';
import { providerImport, quote } from '../../parts/action-code.ts';
import type { ActionCode } from '../../parts/copy-as-code.tsx';

/** A program that does what this comparison does. */
export function compareCode({ snapshot, branches }: ComparisonView): ActionCode {
  const providers = new Map(branches.map(({ provider, emulated }) => [provider, emulated]));
  const imports = [...providers].map(([provider, emulated]) => providerImport(provider, emulated));
  const list = branches
    .map(({ provider, command }) => `  { provider: ${provider}(), command: ${quote(command)} },`)
    .join('\n');
  return {
    what: 'fork and compare',
    typescript: `import { directoryStore } from '@gantry/core/node';
import { diffSnapshots } from '@gantry/core/snapshot';
${imports.join('')}
const store = directoryStore('snapshots');
const base = '${snapshot}';
const branches = [
${list}
];
await Promise.all(
  branches.map(async ({ provider, command }) => {
    await using sandbox = await provider.rehydrate(base, store);
    const { stdout, exit } = await sandbox.exec(command);
    const after = await sandbox.snapshot(store, { parent: base });
    console.log(exit, stdout.text);
    for await (const change of diffSnapshots(base, after.id, store)) console.log(change.kind, change.path);
  }),
);
`,
  };
}
