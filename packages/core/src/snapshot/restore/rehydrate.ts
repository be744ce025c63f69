import type { Call } from '../../contract/call.ts';
import type { NativeSnapshotRef, SandboxDriver } from '../../contract/sandbox-driver.ts';
import type { SnapshotStore } from '../../contract/snapshot-store.ts';
import type {
  NativeOutcome,
  RehydrateOptions,
  SandboxOrigin,
  Snapshot,
} from '../../contract/snapshot-types.ts';
import type { Capabilities } from '../../contract/capabilities.ts';
import type { SandboxRef } from '../../contract/sandbox-ref.ts';
import { SandboxError } from '../../errors/sandbox-error.ts';
import { createSandbox } from '../../provider/create-sandbox.ts';
import { lostWith } from '../../provider/origin.ts';
import type { LiveSandbox } from '../../sandbox/live-sandbox.ts';
import { snapshotId } from '../format/snapshot-record.ts';
import { openRepository } from '../repository/open-repository.ts';
import type { Repository } from '../repository/repository.ts';
import { fillWorkspace } from './fill-workspace.ts';
import { requireTree } from './require-tree.ts';

const operation = 'rehydrate';

/** What rehydrates: a driver, and whose place the new sandbox takes. */
export interface RehydrateSubject {
  readonly driver: SandboxDriver;
  readonly capabilities: Capabilities;
  readonly of?: SandboxRef;
}

/**
 * A new sandbox with a snapshot's contents: of the native snapshot when one is offered and good, else of the portable one.
 * Whatever fails, no sandbox is left.
 */
export async function rehydrate(
  subject: RehydrateSubject,
  snapshot: Snapshot | string,
  store: SnapshotStore,
  options: RehydrateOptions,
  call: Call,
): Promise<LiveSandbox> {
  refuseContents(options);
  const repository = await openRepository(store, call);
  const found = await repository.readSnapshot(snapshotId(snapshot), call);
  const native = await tryNative(subject, repository, found, options, call);
  if (typeof native === 'object') return native;
  const { driver, capabilities } = subject;
  return createSandbox(
    driver,
    capabilities,
    { ...options, signal: call.signal },
    {
      operation,
      create: (request, inner) => driver.create(request, inner),
      async fill(session, inner) {
        const lost = await fillWorkspace(session, repository, found, options, inner);
        if (options.verify) await requireTree(session, repository, found, inner);
        return { origin: origin(subject, found, { by: 'snapshot', native, lost, options }) };
      },
    },
  );
}

/** The contents are the snapshot's: a manifest may only say what the sandbox needs. */
function refuseContents({ manifest }: RehydrateOptions): void {
  const kept = new Set(['output', 'hostMount', 's3', 'gcs', 'r2', 'azureBlob']);
  const entries = Object.entries(manifest?.entries ?? {}).filter(([, { type }]) => !kept.has(type));
  const refused = [
    ...entries.map(([path]) => `entries.${path}`),
    ...((manifest?.setup ?? []).length > 0 ? ['setup'] : []),
  ];
  if (refused.length === 0) return;
  throw new SandboxError(
    'invalid-argument',
    `rehydrate: the workspace's contents come from the snapshot; leave out ${refused.join(', ')} of the manifest, or apply it afterwards`,
    { operation, details: { fields: refused } },
  );
}

/** A sandbox of the native snapshot, or why there is none. */
async function tryNative(
  subject: RehydrateSubject,
  repository: Repository,
  snapshot: Snapshot,
  options: RehydrateOptions,
  call: Call,
): Promise<LiveSandbox | NativeOutcome | undefined> {
  const { driver, capabilities } = subject;
  const { native } = options;
  const capability = driver.nativeSnapshot;
  // One of another provider is no help here, and no obstacle.
  if (native === undefined || !capability || native.provider !== driver.id) return undefined;
  try {
    return await createSandbox(
      driver,
      capabilities,
      { ...options, signal: call.signal },
      {
        operation,
        create: (request, inner) => capability.create(native, request, inner),
        async fill(session, inner) {
          if (options.verify) await requireTree(session, repository, snapshot, inner);
          const by = { by: 'native-snapshot', native: 'used', options } as const;
          return { origin: origin(subject, snapshot, { ...by, lost: lostWith(native.scope) }) };
        },
      },
    );
  } catch (error) {
    return outcomeOf(error, native);
  }
}

function outcomeOf(error: unknown, native: NativeSnapshotRef): NativeOutcome {
  if (!SandboxError.is(error)) throw error;
  if (error.code === 'not-found') return error.details['reason'] === 'expired' ? 'expired' : 'gone';
  if (error.code === 'data-loss' && error.details['reason'] === 'tree') return 'different';
  throw error.with({ details: { ...error.details, native: native.id } });
}

function origin(
  { of }: RehydrateSubject,
  { id, tree }: Snapshot,
  how: {
    readonly by: 'snapshot' | 'native-snapshot';
    readonly native: NativeOutcome | undefined;
    readonly lost: SandboxOrigin['lost'];
    readonly options: RehydrateOptions;
  },
): SandboxOrigin {
  return {
    spec: 'gantry-origin/1',
    how: 'rehydrated',
    by: how.by,
    ...(of === undefined ? {} : { of }),
    snapshot: id,
    tree,
    ...(how.native === undefined ? {} : { native: how.native }),
    ...(how.options.verify ? { verified: true } : {}),
    lost: how.lost,
  };
}
