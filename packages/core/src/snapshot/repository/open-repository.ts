import { z } from 'zod';
import type { Call } from '../../contract/call.ts';
import type { SnapshotStore } from '../../contract/snapshot-store.ts';
import { SandboxError } from '../../errors/sandbox-error.ts';
import { canonicalJson } from '../../manifest/canonical-json.ts';
import { type Codec, encryptedCodec, plainCodec } from '../format/codec.ts';
import { Repository } from './repository.ts';
import { getBytes, putBytes } from './store-access.ts';

/** What the object `format` of a store says. */
interface StoreFormat {
  readonly spec: 'gantry-store/1';
  readonly encryption: 'none' | 'aes-256-gcm';
  /** The id of the text `gantry-store/1`: tells a wrong key. */
  readonly check: string;
}

const formatSchema: z.ZodType<StoreFormat> = z.strictObject({
  spec: z.literal('gantry-store/1'),
  encryption: z.enum(['none', 'aes-256-gcm']),
  check: z.string().regex(/^[0-9a-f]{64}$/),
});

const formatKey = 'format';
const opened = new WeakMap<SnapshotStore, Repository>();

/**
 * The snapshots of a store. One that holds none is `not-found`, or is made ready with `create`. A store that is encrypted
 * otherwise than `store` says, or with another key, is `failed-precondition`.
 */
export async function openRepository(
  store: SnapshotStore,
  call: Call,
  options: { readonly create?: boolean } = {},
): Promise<Repository> {
  const before = opened.get(store);
  if (before) return before;
  const codec = store.encryption ? encryptedCodec(store.encryption.key) : plainCodec;
  const { encryption } = codec;
  const check = codec.identify(Buffer.from('gantry-store/1'));
  const format: StoreFormat = { spec: 'gantry-store/1', encryption, check };
  if (options.create) {
    const bytes = Buffer.from(canonicalJson(format));
    const { signal } = call;
    if ((await store.head(formatKey, { signal })) === undefined) {
      await putBytes(store, formatKey, [bytes], { signal });
    }
  }
  checkFormat(await readFormat(store, call), codec, check);
  const repository = new Repository(store, codec);
  opened.set(store, repository);
  return repository;
}

async function readFormat(store: SnapshotStore, call: Call): Promise<StoreFormat> {
  let bytes: Buffer;
  try {
    bytes = await getBytes(store, formatKey, { signal: call.signal });
  } catch (error) {
    if (!SandboxError.is(error) || error.code !== 'not-found') throw error;
    throw new SandboxError('not-found', 'there is no snapshot in this store', { cause: error });
  }
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch {
    value = undefined; // Told below, like any other text that is no format.
  }
  const result = formatSchema.safeParse(value);
  if (result.success) return result.data;
  throw new SandboxError(
    'data-loss',
    `the object ${formatKey} of the store is damaged, or written by a newer version`,
    { details: { object: formatKey } },
  );
}

function checkFormat(format: StoreFormat, codec: Codec, check: string): void {
  const refuse = (what: string): never => {
    throw new SandboxError('failed-precondition', what, { details: { reason: 'encryption' } });
  };
  if (format.encryption !== codec.encryption) {
    if (codec.encryption === 'none') {
      refuse('this store is encrypted; open it with encryptedStore and its key');
    }
    refuse('this store is not encrypted; open it without a key, or use another store');
  }
  if (format.check !== check) refuse('this store is encrypted with another key');
}
