import { z } from 'zod';
import type { Snapshot } from '../../contract/snapshot-types.ts';
import { SandboxError } from '../../errors/sandbox-error.ts';
import { canonicalJson } from '../../manifest/canonical-json.ts';
import { ByteParser } from './bytes.ts';

/** What a stored record starts with. */
export const recordMagic = 'GSR1';

/** A snapshot without its id, which is the digest of the record as it is stored. */
export type SnapshotRecord = Omit<Snapshot, 'id'>;

const id = z.string().regex(/^[0-9a-f]{64}$/);
const count = z.int().min(0);

const recordSchema: z.ZodType<SnapshotRecord> = z.strictObject({
  spec: z.literal('gantry-snapshot/1'),
  tree: id,
  index: id,
  parent: id.exactOptional(),
  plan: id.exactOptional(),
  takenAt: count,
  source: z.strictObject({ provider: z.string(), sandbox: z.string() }).exactOptional(),
  evidence: z.enum(['bytes', 'host-layer', 'guest-metadata']),
  contents: z.strictObject({ files: count, directories: count, symlinks: count, bytes: count }),
  notCaptured: z.array(z.enum(['processes', 'memory', 'ports', 'mounts'])),
  skipped: z.array(
    z.strictObject({
      path: z.string(),
      type: z.enum(['fifo', 'socket', 'character-device', 'block-device']),
    }),
  ),
  changing: z.array(z.string()),
});

const snapshotSchema = z.object({ id });

/** The canonical JSON of a record. */
export function encodeRecord(record: SnapshotRecord): Buffer {
  return Buffer.from(canonicalJson(record));
}

/** A record as it was stored. What is not JSON of this schema is `data-loss`. */
export function decodeRecord(bytes: Uint8Array, object: string): SnapshotRecord {
  const parser = new ByteParser(bytes, object);
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    throw parser.damaged('it is not JSON');
  }
  const result = recordSchema.safeParse(value);
  if (!result.success) throw parser.damaged(z.prettifyError(result.error));
  return result.data;
}

/** The id of a snapshot that a caller named: its own text, or what a snapshot says. Throws `invalid-argument`. */
export function snapshotId(snapshot: unknown): string {
  const value = typeof snapshot === 'string' ? { id: snapshot } : snapshot;
  const result = snapshotSchema.safeParse(value);
  if (result.success) return result.data.id;
  throw new SandboxError(
    'invalid-argument',
    'not a snapshot: give one that was taken, or its id of 64 hexadecimal digits',
  );
}
