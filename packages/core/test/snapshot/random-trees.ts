import {
  appendFileSync,
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import * as fc from 'fast-check';
import { expect } from 'vitest';
import type { Provider } from '../../src/index.ts';
import { encryptedStore, memoryStore, verifyStore } from '../../src/snapshot.ts';
import { directoryProvider, openWorkspace, type Tools, workspaceOf } from './workspaces.ts';

/** One thing that somebody does to a workspace. Paths are latin1, one character for each byte. */
interface Change {
  readonly kind:
    | 'write'
    | 'append'
    | 'truncate'
    | 'directory'
    | 'symlink'
    | 'hardlink'
    | 'remove'
    | 'rename'
    | 'mode';
  readonly path: string;
  readonly other: string;
  readonly bytes: Uint8Array;
  readonly mode: number;
}

const name = fc.constantFrom(
  'a',
  'b',
  'c d',
  '-rf',
  'n\nl',
  'q\'"',
  '\xff\xfe',
  'caf\xe9',
  '.h',
  'a.b',
);
const at = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join('/'));
const change: fc.Arbitrary<Change> = fc.record({
  kind: fc.constantFrom(
    ...(['write', 'write', 'append', 'truncate', 'directory', 'symlink', 'hardlink'] as const),
    ...(['remove', 'rename', 'mode'] as const),
  ),
  path: at,
  other: at,
  bytes: fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.nat(255).map((byte) => new Uint8Array(1_100_000).fill(byte)),
  ),
  mode: fc.constantFrom(0o644, 0o600, 0o755, 0o700, 0o4755, 0o1777),
});

/** Does it as far as it can be done; what cannot (a file below a file, say) changes nothing. */
function apply(workspace: string, { kind, path, other, bytes, mode }: Change): void {
  const place = (inner: string): Buffer => Buffer.from(`${workspace}/${inner}`, 'latin1');
  const [here, there] = [place(path), place(other)];
  try {
    if (kind === 'write') writeFileSync(here, bytes);
    if (kind === 'append') appendFileSync(here, bytes.subarray(0, 50));
    if (kind === 'truncate') truncateSync(here, bytes.length % 7);
    if (kind === 'directory') mkdirSync(here);
    if (kind === 'symlink') symlinkSync(Buffer.from(`../${other}`, 'latin1'), here);
    if (kind === 'hardlink') linkSync(there, here);
    if (kind === 'remove') rmSync(here, { recursive: true });
    if (kind === 'rename') renameSync(here, there);
    if (kind === 'mode' && !lstatSync(here).isSymbolicLink()) chmodSync(here, mode);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
  }
}

/**
 * Random changes, a snapshot after each few, each on top of the one before: every one has the digest that reading everything
 * gives, and comes back elsewhere with that digest.
 */
export async function changeAtRandom(tools: Tools, runs: number): Promise<void> {
  using provider: Provider & Disposable = directoryProvider(tools);
  const batches = fc.array(fc.array(change, { minLength: 1, maxLength: 12 }), {
    minLength: 1,
    maxLength: 4,
  });
  await fc.assert(
    fc.asyncProperty(batches, fc.boolean(), async (steps, encrypted) => {
      const inner = memoryStore();
      const store = encrypted ? encryptedStore(inner, { key: new Uint8Array(32) }) : inner;
      await using sandbox = await openWorkspace(await provider.create());
      let last = await sandbox.snapshot(store);
      for (const step of steps) {
        for (const one of step) apply(workspaceOf(sandbox), one);
        last = await sandbox.snapshot(store, { parent: last });
        const whole = await sandbox.snapshot(store, { evidence: 'bytes' });
        expect(last.tree).toBe(whole.tree);
        expect(last.contents).toEqual(whole.contents);
      }
      const options = { verify: true, keepSpecialModes: true };
      await using again = await openWorkspace(await provider.rehydrate(last, store, options));
      expect(again.origin).toMatchObject({ tree: last.tree, verified: true });
      // Goes on from there, light, on another sandbox.
      for (const one of steps[0] ?? []) apply(workspaceOf(again), one);
      const next = await again.snapshot(store, { parent: last });
      const whole = await again.snapshot(store, { evidence: 'bytes' });
      expect(next.tree).toBe(whole.tree);
      expect((await verifyStore(store)).problems).toEqual([]);
    }),
    { numRuns: runs },
  );
}
