import type { OperationOptions } from '../../contract/call.ts';
import type { SnapshotStore } from '../../contract/snapshot-store.ts';
import type { SnapshotProgress } from '../../contract/snapshot-types.ts';
import { SandboxError } from '../../errors/sandbox-error.ts';
import { operate } from '../../provider/operate.ts';
import type { ObjectId } from '../format/tree-node.ts';
import { ObjectReader } from '../repository/object-reader.ts';
import { openRepository } from '../repository/open-repository.ts';
import type { Repository } from '../repository/repository.ts';
import { ProgressReporter } from '../progress.ts';
import type { Call } from '../../contract/call.ts';
import { neededObjects } from './reachable.ts';

/** What is checked. */
export interface VerifyOptions extends OperationOptions {
  /** Ids of snapshots. Default: all in the store. */
  readonly snapshots?: readonly string[];
  readonly onProgress?: (progress: SnapshotProgress) => void;
}

/** Something in a store that is not as it must be. */
export interface StoreProblem {
  /** The snapshot that it was found by. */
  readonly snapshot: string;
  /** The object: `pack …`, `object …`, `tree …`. */
  readonly object: string;
  readonly problem: string;
}

/** What a store was found to be. */
export interface VerifyReport {
  readonly snapshots: number;
  readonly objects: number;
  /** Plain bytes that were read and digested. */
  readonly bytes: number;
  /** Empty: every byte of every snapshot is what it was. */
  readonly problems: readonly StoreProblem[];
}

/** Reads everything that snapshots need, and checks each object against its id. Damage is reported, not thrown. */
export function verifyStore(
  store: SnapshotStore,
  options: VerifyOptions = {},
): Promise<VerifyReport> {
  return operate({ operation: 'verify' }, options, async (call) => {
    const repository = await openRepository(store, call);
    const ids = options.snapshots ?? (await Array.fromAsync(repository.snapshotIds(call)));
    const verifier = new Verifier(repository, new ProgressReporter(options.onProgress), call);
    for (const id of ids) await verifier.verify(id);
    return { snapshots: ids.length, ...verifier.result() };
  });
}

class Verifier {
  readonly #repository: Repository;
  readonly #progress: ProgressReporter;
  readonly #call: Call;
  readonly #seen = new Set<ObjectId>();
  readonly #problems: StoreProblem[] = [];
  #bytes = 0;

  constructor(repository: Repository, progress: ProgressReporter, call: Call) {
    this.#repository = repository;
    this.#progress = progress;
    this.#call = call;
  }

  result(): Omit<VerifyReport, 'snapshots'> {
    return { objects: this.#seen.size, bytes: this.#bytes, problems: this.#problems };
  }

  async verify(id: string): Promise<void> {
    const report = (error: unknown): void => {
      if (!SandboxError.is(error)) throw error;
      if (error.code !== 'data-loss' && error.code !== 'not-found') throw error;
      const object = error.details['object'];
      const name = typeof object === 'string' ? object : `snapshot ${id}`;
      this.#problems.push({ snapshot: id, object: name, problem: error.message });
    };
    try {
      const snapshot = await this.#repository.readSnapshot(id, this.#call);
      const chain = await this.#repository.readIndex(snapshot.index, this.#call);
      const reader = new ObjectReader(this.#repository, chain, this.#call);
      const needed = neededObjects(snapshot, reader, this.#seen, this.#call, report);
      for await (const object of needed) {
        if (object.kind === 'blob') await this.#read(reader, object.id, object.size, report);
      }
    } catch (error) {
      report(error);
    }
  }

  async #read(
    reader: ObjectReader,
    id: ObjectId,
    size: number | undefined,
    report: (error: unknown) => void,
  ): Promise<void> {
    try {
      const bytes = await reader.read(id);
      this.#bytes += bytes.length;
      this.#progress.add('checking', bytes.length, 1);
      if (size === undefined || bytes.length === size) return;
      const problem = `object ${id} has ${bytes.length} bytes where ${size} are expected`;
      report(new SandboxError('data-loss', problem, { details: { object: `object ${id}` } }));
    } catch (error) {
      report(error);
    }
  }
}
