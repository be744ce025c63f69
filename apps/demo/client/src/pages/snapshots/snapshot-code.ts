import type { SnapshotView } from '../../../../src/protocol/snapshots.ts';
import type { ActionCode } from '../../parts/copy-as-code.tsx';

/** Code that rehydrates, compares and verifies this snapshot from elsewhere. */
export function snapshotCode({ id, parent }: SnapshotView, store: string): ActionCode {
  const diff =
    parent === undefined ? '' : `npx gantry snapshot diff ${parent} ${id} --store ${store}\n`;
  return {
    what: 'use this snapshot',
    typescript: `import { directoryStore } from '@gantry/core/node';
import { verifyStore } from '@gantry/core/snapshot';
import { docker } from '@gantry/provider-docker';

const store = directoryStore('${store}');
const id = '${id}';
console.log(await verifyStore(store, { snapshots: [id] }));
const sandbox = await docker().rehydrate(id, store, { verify: true });
console.log(sandbox.ref.id, 'has exactly its contents');
`,
    cli: `npx gantry rehydrate ${id} --provider docker --store ${store}
npx gantry snapshot verify ${id} --store ${store}
${diff}`,
  };
}
