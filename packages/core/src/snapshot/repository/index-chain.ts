import type { IndexDocument, PathFacts } from '../format/snapshot-index.ts';
import type { ObjectId } from '../format/tree-node.ts';

/** Where an object is: in which frame of which pack, and which bytes of the frame's contents. */
export interface ObjectLocation {
  readonly pack: ObjectId;
  readonly offset: number;
  readonly stored: number;
  readonly raw: number;
  readonly at: number;
  readonly size: number;
}

/** An index and those that it builds on, as one. */
export class IndexChain {
  readonly id: ObjectId;
  readonly document: IndexDocument;
  readonly #parent: IndexChain | undefined;
  readonly #locations = new Map<ObjectId, ObjectLocation>();

  constructor(id: ObjectId, document: IndexDocument, parent: IndexChain | undefined) {
    this.id = id;
    this.document = document;
    this.#parent = parent;
    for (const { id: object, frame, at, size } of document.objects) {
      const found = document.frames[frame];
      const pack = found && document.packs[found.pack];
      if (!found || pack === undefined) continue; // Decoding has refused such an index.
      const { offset, stored, raw } = found;
      this.#locations.set(object, { pack, offset, stored, raw, at, size });
    }
  }

  locate(object: ObjectId): ObjectLocation | undefined {
    return this.#locations.get(object) ?? this.#parent?.locate(object);
  }

  /** The ids of all indexes of the chain. */
  ids(): readonly ObjectId[] {
    return [this.id, ...(this.#parent?.ids() ?? [])];
  }

  /** Every object of the chain, those of the newest index last. */
  *locations(): Generator<readonly [ObjectId, ObjectLocation], void> {
    if (this.#parent) yield* this.#parent.locations();
    yield* this.#locations;
  }

  /** What is known of every path, the chain taken as one. */
  facts(): Map<string, PathFacts> {
    const facts = this.#parent?.facts() ?? new Map<string, PathFacts>();
    for (const path of this.document.removed) facts.delete(path);
    for (const [path, known] of this.document.facts) facts.set(path, known);
    return facts;
  }
}
