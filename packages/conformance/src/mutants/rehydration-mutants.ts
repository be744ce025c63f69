import { SandboxError, type Provider, type Sandbox } from '@gantry/core';
import { memoryStore, type Snapshot, type TakenSnapshot } from '@gantry/core/snapshot';
import type { Mutant } from './mutant.ts';
import { reshapeProvider, type Reshaping } from './reshape-provider.ts';

type Take = Sandbox['snapshot'];
type Rehydrate = Provider['rehydrate'];

/** A mutant that takes snapshots in another way. */
export function taking(
  change: (take: Take, sandbox: Sandbox) => Take,
  more: Reshaping = {},
): NonNullable<Mutant['weaken']> {
  return (provider) =>
    reshapeProvider(provider, {
      ...more,
      sandbox: (sandbox) => ({ snapshot: change(sandbox.snapshot.bind(sandbox), sandbox) }),
    });
}

/** A mutant that brings snapshots back in another way. */
function rehydrating(
  change: (rehydrate: Rehydrate, provider: Provider) => Rehydrate,
): NonNullable<Mutant['weaken']> {
  return (provider) =>
    reshapeProvider(provider, {
      provider: (original) => ({ rehydrate: change(original.rehydrate.bind(original), original) }),
    });
}

const lacks = (error: unknown, code: string): boolean =>
  SandboxError.is(error) && error.code === code;

export const rehydrationMutants: readonly Mutant[] = [
  {
    name: 'rehydrate-is-fresh',
    breaks: 'makes an empty sandbox whatever the snapshot holds',
    kills: [
      'rehydration/exact',
      'rehydration/own-state',
      'rehydration/missing',
      'rehydration/damaged',
      'rehydration/limits',
    ],
    weaken: rehydrating(
      (_rehydrate, provider) => (_snapshot, _store, options) => provider.create(options),
    ),
  },
  {
    name: 'rehydrate-loses-exec-bits',
    breaks: 'loses exec bits on the way back',
    kills: ['rehydration/exact'],
    weaken: rehydrating((rehydrate) => async (snapshot, store, options) => {
      const sandbox = await rehydrate(snapshot, store, options);
      await sandbox.exec('find . -type f -exec chmod a-x {} +');
      return sandbox;
    }),
  },
  {
    name: 'snapshot-is-live',
    breaks: 'reads the workspace when a snapshot is used, not when it was taken',
    kills: ['rehydration/own-state'],
    weaken: (provider) => {
      const sources = new Map<string, Take>();
      return reshapeProvider(provider, {
        sandbox: (sandbox) => ({
          async snapshot(store, options) {
            const taken = await sandbox.snapshot(store, options);
            sources.set(taken.id, sandbox.snapshot.bind(sandbox));
            return taken;
          },
        }),
        provider: (original) => ({
          async rehydrate(snapshot, store, options) {
            const id = typeof snapshot === 'string' ? snapshot : snapshot.id;
            const late = await sources.get(id)?.(store);
            return original.rehydrate(late ?? snapshot, store, options);
          },
        }),
      });
    },
  },
  {
    name: 'digest-of-the-moment',
    breaks: 'gives every snapshot a digest of its own',
    kills: ['rehydration/equal-trees'],
    weaken: taking((take) => async (store, options) => {
      const taken = await take(store, options);
      return { ...taken, tree: taken.id };
    }),
  },
  {
    name: 'digest-without-modes',
    breaks: 'takes a workspace for equal whose modes are not',
    kills: ['rehydration/equal-trees'],
    weaken: taking((take, sandbox) => async (store, options) => {
      await sandbox.exec('chmod 750 d/tool');
      return take(store, options);
    }),
  },
  {
    name: 'snapshot-leaves-a-trace',
    breaks: 'writes a file of its own into the workspace',
    kills: ['rehydration/unaltered'],
    weaken: taking((take, sandbox) => async (store, options) => {
      await sandbox.files.write('.snapshot', 'mine');
      return take(store, options);
    }),
  },
  {
    name: 'skipped-in-silence',
    breaks: 'does not say what it left out',
    kills: ['rehydration/skipped'],
    weaken: taking((take) => async (store, options) => ({
      ...(await take(store, options)),
      skipped: [],
    })),
  },
  {
    name: 'evidence-ignored',
    breaks: 'relies on what it likes, whatever was asked for',
    kills: ['rehydration/evidence'],
    weaken: taking((take) => async (store, { evidence, ...options } = {}) => {
      const taken = await take(store, options);
      return evidence === undefined ? taken : { ...taken, evidence: 'guest-metadata' };
    }),
  },
  {
    name: 'parent-is-enough',
    breaks: 'takes a snapshot for its parent',
    kills: ['rehydration/incremental', 'rehydration/evidence'],
    weaken: taking((take) => async (store, options = {}) => {
      const { parent } = options;
      if (parent === undefined || typeof parent === 'string') return take(store, options);
      const work = { filesRead: 0, bytesRead: 0, bytesStored: 0, metadataBytes: 0 };
      const same: Snapshot & { work: TakenSnapshot['work'] } = { ...parent, work };
      return { ...same, evidence: options.evidence ?? parent.evidence };
    }),
  },
  {
    name: 'parent-ignored',
    breaks: 'reads everything each time',
    kills: ['rehydration/incremental'],
    weaken: taking(
      (take) =>
        (store, { parent: _ignored, ...options } = {}) =>
          take(store, { ...options, evidence: 'bytes' }),
    ),
  },
  {
    name: 'secrets-let-through',
    breaks: 'does not look for secrets',
    kills: ['rehydration/secrets'],
    weaken: taking(
      (take) => (store, options) => take(store, { ...options, acknowledgeSecrets: true }),
    ),
  },
  {
    name: 'unreadable-left-out',
    breaks: 'leaves out what it cannot read, and says nothing',
    kills: ['rehydration/complete'],
    weaken: taking((take, sandbox) => async (store, options) => {
      await sandbox.exec('rm -f closed');
      return take(store, options);
    }),
  },
  {
    name: 'broken-off-is-taken',
    breaks: 'says that a snapshot was taken whose reading broke off',
    kills: ['rehydration/last'],
    weaken: taking((take) => {
      let last: TakenSnapshot | undefined;
      return async (store, options) => {
        try {
          last = await take(store, options);
        } catch (error) {
          const { parent } = options ?? {};
          if (parent === undefined || typeof parent === 'string') throw error;
          const work = { filesRead: 0, bytesRead: 0, bytesStored: 0, metadataBytes: 0 };
          return { ...parent, work };
        }
        return last;
      };
    }),
  },
  {
    name: 'damage-overlooked',
    breaks: 'makes an empty sandbox where a snapshot is damaged',
    kills: ['rehydration/damaged'],
    weaken: rehydrating(
      (rehydrate, provider) => (snapshot, store, options) =>
        rehydrate(snapshot, store, options).catch((error: unknown) => {
          if (lacks(error, 'data-loss')) return provider.create(options);
          throw error;
        }),
    ),
  },
  {
    name: 'rehydrate-limits-ignored',
    breaks: 'writes as much as there is',
    kills: ['rehydration/limits'],
    weaken: rehydrating(
      (rehydrate) =>
        (snapshot, store, { limits: _ignored, ...options } = {}) =>
          rehydrate(snapshot, store, options),
    ),
  },
  {
    name: 'rehydrate-leaves-a-half',
    breaks: 'leaves a sandbox behind when a link is lost on the way',
    kills: ['rehydration/nothing-left'],
    weaken: rehydrating(
      (rehydrate, provider) => (snapshot, store, options) =>
        rehydrate(snapshot, store, options).catch(async (error: unknown) => {
          await provider.create(options);
          throw error;
        }),
    ),
  },
  {
    name: 'recover-in-silence',
    breaks: 'makes an empty sandbox in place of one that it cannot reach',
    kills: ['rehydration/recover', 'rehydration/no-silence'],
    weaken: (provider) =>
      reshapeProvider(provider, {
        provider: (original) => ({
          recover: (ref, options) =>
            original.connect(ref).catch(() => original.create(options?.recreate)),
        }),
      }),
  },
  {
    name: 'fork-by-any-way',
    breaks: 'forks through a store of its own, and does not say how',
    kills: ['rehydration/fork'],
    weaken: (provider) =>
      reshapeProvider(provider, {
        sandbox: (sandbox) => ({
          fork: (count, options) => sandbox.fork(count, { store: memoryStore(), ...options }),
        }),
      }),
  },
];
