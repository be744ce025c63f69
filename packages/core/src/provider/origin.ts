import type { NativeSnapshotRef } from '../contract/sandbox-driver.ts';
import type { SandboxRef } from '../contract/sandbox-ref.ts';
import type { Loss, SandboxOrigin } from '../contract/snapshot-types.ts';

const spec = 'gantry-origin/1';

/** A fresh sandbox. */
export const createdOrigin: SandboxOrigin = { spec, how: 'created', lost: [] };

/** The same sandbox again. */
export function reattachedOrigin(of: SandboxRef): SandboxOrigin {
  return { spec, how: 'reattached', of, lost: [] };
}

/** A new sandbox of a native snapshot alone. */
export function nativeOrigin(scope: NativeSnapshotRef['scope']): SandboxOrigin {
  return { spec, how: 'rehydrated', by: 'native-snapshot', native: 'used', lost: lostWith(scope) };
}

/** A new sandbox in place of one that is gone: what was in its workspace is lost. */
export function recreatedOrigin(of: SandboxRef): SandboxOrigin {
  return { spec, how: 'recreated', of, lost: ['processes', 'memory', 'workspace'] };
}

/** A clone. A provider's own fork keeps what is on disk. */
export function forkedOrigin(
  of: SandboxRef,
  by: 'fork' | 'native-snapshot' | 'snapshot',
  lost: readonly Loss[],
): SandboxOrigin {
  return { spec, how: 'forked', by, of, lost };
}

/** What a native snapshot of this scope does not hold. */
export function lostWith(scope: NativeSnapshotRef['scope']): readonly Loss[] {
  if (scope === 'filesystem+memory') return [];
  return scope === 'filesystem'
    ? ['processes', 'memory']
    : ['processes', 'memory', 'outside-workspace'];
}
