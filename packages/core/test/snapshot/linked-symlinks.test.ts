import { linkSync, readlinkSync, symlinkSync } from 'node:fs';
import { expect, test } from 'vitest';
import { memoryStore } from '../../src/snapshot.ts';
import { directoryProvider, openWorkspace, toolSets, workspaceOf } from './workspaces.ts';

test.each(toolSets)(
  'a symlink with two names comes back under both, with %s tools',
  async (tools) => {
    using provider = directoryProvider(tools);
    const store = memoryStore();
    await using sandbox = await openWorkspace(await provider.create());
    const workspace = workspaceOf(sandbox);
    symlinkSync('../nowhere', `${workspace}/n\nl`);
    const first = await sandbox.snapshot(store);
    linkSync(`${workspace}/n\nl`, `${workspace}/a`);
    const second = await sandbox.snapshot(store, { parent: first });
    expect((await sandbox.snapshot(store, { evidence: 'bytes' })).tree).toBe(second.tree);
    await using again = await openWorkspace(await provider.rehydrate(second, store));
    for (const name of ['a', 'n\nl'])
      expect(readlinkSync(`${workspaceOf(again)}/${name}`)).toBe('../nowhere');
  },
);
