import { parseRef, SandboxError, type SandboxRef } from '@gantry/core';
import type { Entry, SandboxSessionState } from '@openai/agents/sandbox';
import { z } from 'zod';
import { type ManifestSource, portableManifest } from './manifest/portable-manifest.ts';

/** A snapshot of a Gantry store: as the run's `sandbox.snapshot` it seeds a fresh sandbox. */
export interface GantrySnapshotSpec {
  readonly type: 'gantry';
  readonly id: string;
  readonly [key: string]: unknown;
}

/** What the SDK keeps of a session, beside its own fields: which sandbox it is. */
export interface GantrySessionState extends SandboxSessionState {
  ref: SandboxRef;
}

const recordSpec = 'gantry-openai-agents-session/1';

const snapshotSchema = z.object({
  type: z.literal('gantry'),
  id: z.string().regex(/^[0-9a-f]{64}$/, 'is no snapshot id'),
});

const recordSchema = z.object({
  spec: z.literal(recordSpec),
  ref: z.unknown(),
  manifest: z.record(z.string(), z.unknown()).optional(),
  snapshot: snapshotSchema.nullish(),
});

/** The state as JSON, for any process. It holds no value of the environment and nothing that opens an account. */
export function stateRecord(state: GantrySessionState): Record<string, unknown> {
  const { version, root, entries, users, groups, extraPathGrants } = state.manifest;
  const { remoteMountCommandAllowlist } = state.manifest;
  return {
    spec: recordSpec,
    ref: { ...state.ref },
    manifest: {
      ...{ version, root, users, groups, extraPathGrants, remoteMountCommandAllowlist },
      entries: mapEntries(entries, encodedEntry),
    },
    ...(state.snapshot ? { snapshot: { ...state.snapshot } } : {}),
    workspaceReady: true,
  };
}

/** Checks a record that comes back, and makes a state of it. Throws `invalid-argument` for what is none. */
export function stateOfRecord(record: Record<string, unknown>): GantrySessionState {
  const result = recordSchema.safeParse(record);
  if (!result.success) {
    const message = `not a saved session of this client: ${z.prettifyError(result.error)}`;
    throw new SandboxError('invalid-argument', message, { operation: 'resume' });
  }
  const { ref, manifest = {}, snapshot } = result.data;
  const source: ManifestSource = manifest;
  const restored = portableManifest(source);
  return {
    ref: parseRef(ref),
    manifest: portableManifest({ ...source, entries: mapEntries(restored.entries, decodedEntry) }),
    workspaceReady: true,
    ...(snapshot ? { snapshot } : {}),
  };
}

/** The snapshot that a fresh sandbox is to be seeded with, if any. Throws for one of another kind. */
export function seedOf(given: { readonly type: string } | undefined | null): string | undefined {
  if (given === undefined || given === null || given.type === 'noop') return undefined;
  const result = snapshotSchema.safeParse(given);
  if (result.success) return result.data.id;
  throw new SandboxError(
    'unsupported',
    `sandbox.snapshot of type ${JSON.stringify(given.type)} is not kept by Gantry; give the client a store as \`snapshots\`, and here { type: 'gantry', id }`,
    { operation: 'create' },
  );
}

type EncodedBytes = { readonly type: 'base64'; readonly data: string };

function mapEntries(
  entries: Readonly<Record<string, Entry>>,
  change: (entry: Entry) => Entry,
): Record<string, Entry> {
  return Object.fromEntries(
    Object.entries(entries).map(([path, entry]) => {
      const children =
        entry.type === 'dir' && entry.children ? mapEntries(entry.children, change) : undefined;
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- an entry with children stays what it was
      return [path, change(children ? ({ ...entry, children } as Entry) : entry)];
    }),
  );
}

/** Bytes are no JSON: they are written as base64 in an object, as the SDK's own records have it. */
function encodedEntry(entry: Entry): Entry {
  if (entry.type !== 'file' || typeof entry.content === 'string') return entry;
  const content: EncodedBytes = {
    type: 'base64',
    data: Buffer.from(entry.content).toString('base64'),
  };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it becomes JSON before anyone reads it
  return { ...entry, content: content as unknown as Uint8Array };
}

function decodedEntry(entry: Entry): Entry {
  if (entry.type !== 'file') return entry;
  const content: unknown = entry.content;
  if (typeof content === 'string' || content instanceof Uint8Array) return entry;
  const { data } = z.object({ type: z.literal('base64'), data: z.base64() }).parse(content);
  return { ...entry, content: new Uint8Array(Buffer.from(data, 'base64')) };
}
