import { hash } from 'node:crypto';
import type { Call } from '../../contract/call.ts';
import type { SnapshotStore } from '../../contract/snapshot-store.ts';
import type { Snapshot } from '../../contract/snapshot-types.ts';
import { SandboxError } from '../../errors/sandbox-error.ts';
import type { Codec } from '../format/codec.ts';
import {
  decodePackList,
  packFooterBytes,
  type PackList,
  packListMagic,
  packMagic,
} from '../format/pack.ts';
import { openDocument, sealDocument } from '../format/sealed-document.ts';
import { decodeIndex, encodeIndex, indexMagic } from '../format/snapshot-index.ts';
import type { IndexDocument } from '../format/snapshot-index.ts';
import {
  decodeRecord,
  encodeRecord,
  recordMagic,
  type SnapshotRecord,
} from '../format/snapshot-record.ts';
import type { ObjectId } from '../format/tree-node.ts';
import { IndexChain } from './index-chain.ts';
import { getBytes, putBytes } from './store-access.ts';

/** Keys of a store, by what is behind them. */
export const storeKeys = {
  snapshot: (id: string): string => `snapshots/${id}`,
  index: (id: string): string => `indexes/${id}`,
  pack: (id: string): string => `packs/${id}`,
  move: (pack: string): string => `moves/${pack}`,
} as const;

/** Chains of indexes that stay in memory. */
const keptChains = 4;

/** The snapshots of one store: their records and indexes, read, checked and written. */
export class Repository {
  readonly store: SnapshotStore;
  readonly codec: Codec;
  readonly #chains = new Map<ObjectId, IndexChain>();

  constructor(store: SnapshotStore, codec: Codec) {
    this.store = store;
    this.codec = codec;
  }

  /** A snapshot by its id. Missing: `not-found`. Bytes that do not have the id, or are no record: `data-loss`. */
  async readSnapshot(id: string, call: Call): Promise<Snapshot> {
    const name = `snapshot ${id}`;
    const body = await this.#read(storeKeys.snapshot(id), recordMagic, id, name, call);
    return { ...decodeRecord(body, name), id };
  }

  /** Writes a record. Everything that it names must be in the store by now. */
  async writeSnapshot(
    record: SnapshotRecord,
    call: Call,
  ): Promise<{ readonly snapshot: Snapshot; readonly bytes: number }> {
    const stored = await sealDocument(this.codec, recordMagic, encodeRecord(record));
    const id = hash('sha256', stored, 'hex');
    await putBytes(this.store, storeKeys.snapshot(id), [stored], { signal: call.signal });
    return { snapshot: { ...record, id }, bytes: stored.length };
  }

  /** An index and the chain that it builds on. */
  async readIndex(id: ObjectId, call: Call): Promise<IndexChain> {
    const known = this.#chains.get(id);
    if (known) return known;
    const name = `index ${id}`;
    const body = await this.#read(storeKeys.index(id), indexMagic, id, name, call);
    const document = decodeIndex(body, name);
    const parent =
      document.parent === undefined ? undefined : await this.readIndex(document.parent, call);
    if (document.depth !== (parent ? parent.document.depth + 1 : 0)) {
      throw new SandboxError('data-loss', `${name} is damaged: its depth is wrong`, {
        details: { object: name },
      });
    }
    return this.#keep(new IndexChain(id, document, parent));
  }

  /** Writes an index that builds on `parent`, and returns it as it will be read, with the bytes that it takes. */
  async writeIndex(
    document: IndexDocument,
    parent: IndexChain | undefined,
    call: Call,
  ): Promise<{ readonly chain: IndexChain; readonly bytes: number }> {
    const stored = await sealDocument(this.codec, indexMagic, encodeIndex(document));
    const id = hash('sha256', stored, 'hex');
    await putBytes(this.store, storeKeys.index(id), [stored], { signal: call.signal });
    return { chain: this.#keep(new IndexChain(id, document, parent)), bytes: stored.length };
  }

  /** What a pack says that is in it. */
  async readPackList(id: ObjectId, call: Call): Promise<PackList> {
    const name = `pack ${id}`;
    const key = storeKeys.pack(id);
    const { size = 0 } = (await this.store.head(key, { signal: call.signal })) ?? {};
    const footerAt = size - packFooterBytes;
    const get = (offset: number, length: number): Promise<Buffer> =>
      getBytes(this.store, key, { signal: call.signal }, { offset, length });
    const cutOff = new SandboxError('data-loss', `${name} is damaged: it is cut off`, {
      details: { object: name },
    });
    if (footerAt < 0) throw cutOff;
    const length = (await get(footerAt, packFooterBytes)).readUInt32BE();
    if (length > footerAt) throw cutOff;
    const list = await get(footerAt - length, length);
    const start = packMagic.length + this.codec.saltBytes;
    return decodePackList(await openDocument(this.codec, packListMagic, list, name), start, name);
  }

  /** The ids of all snapshots, in no order. */
  async *snapshotIds(call: Call): AsyncGenerator<string, void> {
    for await (const { key } of this.store.list('snapshots/', { signal: call.signal })) {
      const id = key.slice('snapshots/'.length);
      if (/^[0-9a-f]{64}$/.test(id)) yield id;
    }
  }

  async #read(key: string, magic: string, id: string, name: string, call: Call): Promise<Buffer> {
    let stored: Buffer;
    try {
      stored = await getBytes(this.store, key, { signal: call.signal });
    } catch (error) {
      if (!SandboxError.is(error) || error.code !== 'not-found') throw error;
      throw new SandboxError('not-found', `there is no ${name} in the store`, {
        cause: error,
        details: { object: name },
      });
    }
    if (hash('sha256', stored, 'hex') !== id) {
      throw new SandboxError('data-loss', `${name} is damaged: its bytes have another digest`, {
        details: { object: name },
      });
    }
    return openDocument(this.codec, magic, stored, name);
  }

  #keep(chain: IndexChain): IndexChain {
    this.#chains.set(chain.id, chain);
    const [oldest] = this.#chains.keys();
    if (this.#chains.size > keptChains && oldest !== undefined) this.#chains.delete(oldest);
    return chain;
  }
}
