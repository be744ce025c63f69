import { type QueryKey, queryOptions } from '@tanstack/react-query';
import type { ConformanceAnswer } from '../../../src/protocol/conformance.ts';
import type { ManifestTemplate } from '../../../src/protocol/manifests.ts';
import type { ProviderView } from '../../../src/protocol/providers.ts';
import type { SandboxDetails, SandboxView } from '../../../src/protocol/sandboxes.ts';
import type { SnapshotView } from '../../../src/protocol/snapshots.ts';
import type { StateAnswer } from '../../../src/protocol/state.ts';
import { get, path } from './api.ts';

/** The keys under which answers are kept; the first word is what an event makes old. */
export const keys = {
  state: ['state'],
  providers: ['providers'],
  sandboxes: ['sandboxes'],
  sandbox: (id: string): QueryKey => ['sandbox', id],
  snapshots: ['snapshots'],
} as const;

/** What the whole page needs first. */
export const stateQuery = queryOptions({
  queryKey: keys.state,
  queryFn: ({ signal }) => get<StateAnswer>('/api/state', signal),
});

/** Every known provider. The first answer takes a while: each is examined. */
export const providersQuery = queryOptions({
  queryKey: keys.providers,
  queryFn: ({ signal }) => get<readonly ProviderView[]>('/api/providers', signal),
});

/** Every sandbox of every provider. */
export const sandboxesQuery = queryOptions({
  queryKey: keys.sandboxes,
  queryFn: ({ signal }) => get<readonly SandboxView[]>('/api/sandboxes', signal),
});

/** Every snapshot of the store. */
export const snapshotsQuery = queryOptions({
  queryKey: keys.snapshots,
  queryFn: ({ signal }) => get<readonly SnapshotView[]>('/api/snapshots', signal),
});

/** Manifests to start from. */
export const templatesQuery = queryOptions({
  queryKey: ['manifest', 'templates'],
  staleTime: Number.POSITIVE_INFINITY,
  queryFn: ({ signal }) => get<readonly ManifestTemplate[]>('/api/manifest/templates', signal),
});

/** One sandbox with what it can do and what it was made from. */
export function sandboxQuery(id: string) {
  return queryOptions({
    queryKey: keys.sandbox(id),
    queryFn: ({ signal }) => get<SandboxDetails>(path`/api/sandboxes/${id}`, signal),
  });
}

/** Reports, the suite's own runs and the kill matrix. */
export const conformanceQuery = queryOptions({
  queryKey: ['conformance'],
  queryFn: ({ signal }) => get<ConformanceAnswer>('/api/conformance', signal),
});
