import type { IndexDocument, PathFacts } from '../format/snapshot-index.ts';
import type { PackedObject } from '../format/pack.ts';
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
  /** As the document has them: for many objects, a second description of each would take most of the memory. */
  readonly #objects = new Map<ObjectId, PackedObject>();

  constructor(id: ObjectId, document: IndexDocument, parent: IndexChain | undefined) {
    this.id = id;
    this.document = document;
    this.#parent = parent;
    for (const object of document.objects) this.#objects.set(object.id, object);
  }

  locate(object: ObjectId): ObjectLocation | undefined {
    const packed = this.#objects.get(object);
    return (packed && this.#locationOf(packed)) ?? this.#parent?.locate(object);
  }

  /** The ids of all indexes of the chain. */
  ids(): readonly ObjectId[] {
    return [this.id, ...(this.#parent?.ids() ?? [])];
  }

  /** Every object of the chain, those of the newest index last. */
  *locations(): Generator<readonly [ObjectId, ObjectLocation], void> {
    if (this.#parent) yield* this.#parent.locations();
    for (const [id, packed] of this.#objects) {
      const location = this.#locationOf(packed);
      if (location) yield [id, location];
    }
  }

  /** What is known of every path, the chain taken as one. */
  facts(): Map<string, PathFacts> {
    const facts = this.#parent?.facts() ?? new Map<string, PathFacts>();
    for (const path of this.document.removed) facts.delete(path);
    for (const [path, known] of this.document.facts) facts.set(path, known);
    return facts;
  }

  #locationOf({ frame, at, size }: PackedObject): ObjectLocation | undefined {
    const found = this.document.frames[frame];
    const pack = found && this.document.packs[found.pack];
    if (!found || pack === undefined) return undefined; // Decoding has refused such an index.
    const { offset, stored, raw } = found;
    return { pack, offset, stored, raw, at, size };
  }
}
