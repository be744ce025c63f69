import path from 'node:path';
import {
  SandboxError,
  type Snapshot,
  type SnapshotProgress,
  type SnapshotStore,
} from '@gantry/core';
import { directoryStore } from '@gantry/core/node';
import { diffSnapshots, listSnapshots, readSnapshot, verifyStore } from '@gantry/core/snapshot';
import type { DiffAnswer, SnapshotView, VerifyAnswer } from '../../protocol/snapshots.ts';
import type { EventHub } from '../event-hub.ts';
import { StateFile } from '../state-file.ts';

/** What is known of a snapshot beside its record. */
export interface SnapshotFacts {
  readonly name?: string;
  readonly sandbox: string;
  readonly sandboxName: string;
  readonly emulated: boolean;
  readonly bytesStored?: number;
}

/** A difference has more paths than a page can show. */
const mostDifferences = 2_000;

/** The snapshots of the demo, in one directory store that the command line reads as well. */
export class Snapshots {
  readonly store: SnapshotStore;
  /** For copied commands: `gantry snapshot ls --store`. */
  readonly directory: string;
  readonly #file: StateFile<Readonly<Record<string, SnapshotFacts>>>;
  readonly #events: EventHub;
  #facts: Readonly<Record<string, SnapshotFacts>> = {};

  constructor(stateDirectory: string, events: EventHub) {
    this.directory = path.join(stateDirectory, 'snapshots');
    this.store = directoryStore(this.directory);
    this.#file = new StateFile(path.join(stateDirectory, 'snapshots.json'));
    this.#events = events;
  }

  async open(): Promise<void> {
    this.#facts = await this.#file.read({});
  }

  /** The oldest first. */
  async list(): Promise<readonly SnapshotView[]> {
    return (await listSnapshots(this.store)).map((snapshot) => this.#view(snapshot));
  }

  async view(id: string): Promise<SnapshotView> {
    return this.#view(await readSnapshot(id, this.store));
  }

  /** Remembers what there is to know of a snapshot that was just taken. */
  async add(snapshot: Snapshot, facts: SnapshotFacts): Promise<SnapshotView> {
    // The same contents taken again are another record, so nothing is overwritten.
    this.#facts = { ...this.#facts, [snapshot.id]: facts };
    await this.#file.write(this.#facts);
    const view = this.#view(snapshot);
    this.#events.publish({ type: 'snapshot', snapshot: view });
    return view;
  }

  async diff(before: string, after: string): Promise<DiffAnswer> {
    const a = await readSnapshot(before, this.store);
    const b = await readSnapshot(after, this.store);
    const differences = [];
    for await (const difference of diffSnapshots(a, b, this.store)) {
      if (differences.length === mostDifferences)
        return { a: a.id, b: b.id, differences, truncated: true };
      differences.push(difference);
    }
    return { a: a.id, b: b.id, differences, truncated: false };
  }

  /** Reads every byte that the snapshot needs and compares its digest. */
  async verify(
    id: string,
    onProgress: (progress: SnapshotProgress) => void = () => undefined,
  ): Promise<VerifyAnswer> {
    const snapshot = await readSnapshot(id, this.store);
    const { objects, bytes, problems } = await verifyStore(this.store, {
      snapshots: [snapshot.id],
      onProgress,
    });
    return {
      ...{ ok: problems.length === 0, objects, bytes },
      problems: problems.map(({ object, problem }) => ({ object, message: problem })),
    };
  }

  async read(id: string): Promise<Snapshot> {
    return readSnapshot(id, this.store);
  }

  #view(record: Snapshot): SnapshotView {
    const { id, parent, tree, takenAt, source, contents } = record;
    const facts = this.#facts[id];
    return {
      ...{ id, tree, record, createdAt: takenAt, bytes: contents.bytes, files: contents.files },
      emulated: facts?.emulated ?? false,
      ...(parent === undefined ? {} : { parent }),
      ...(source ? { provider: source.provider } : {}),
      ...(facts?.name === undefined ? {} : { name: facts.name }),
      ...(facts
        ? {
            sandbox: facts.sandbox,
            sandboxName: facts.sandboxName,
            ...(facts.bytesStored === undefined ? {} : { bytesStored: facts.bytesStored }),
          }
        : {}),
    };
  }
}

/** Refuses what is not given. */
export function given(value: string | undefined, name: string): string {
  if (value !== undefined && value !== '') return value;
  throw new SandboxError('invalid-argument', `the request names no ${name}: add ?${name}=`);
}
