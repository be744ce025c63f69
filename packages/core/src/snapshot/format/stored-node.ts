import { ByteParser } from './bytes.ts';
import {
  beginTreeNode,
  checkTreeNode,
  decodeTreeEntry,
  encodeTreeEntry,
  idBytes,
  type TreeEntryBody,
} from './tree-node.ts';

/** What becomes of one name: without a body it is gone. */
export interface NodeChange {
  readonly name: string;
  readonly body?: TreeEntryBody;
}

/** A directory as it is stored: all of it is checked, and only what is asked for is taken apart. */
export class StoredNode {
  readonly #bytes: Uint8Array;
  readonly #object: string;
  readonly #names: string[] = [];
  /** Where entries begin, and where the last one ends. */
  readonly #starts: number[] = [];
  readonly #bodies: number[] = [];

  /** Keeps the bytes. Anything that `encodeTreeNode` would not write is `data-loss`. */
  constructor(bytes: Uint8Array, object: string) {
    this.#bytes = bytes;
    this.#object = object;
    const skipId = (parser: ByteParser): string => {
      parser.skip(idBytes);
      return '';
    };
    checkTreeNode(bytes, object, skipId, ({ name, start, body }) => {
      this.#names.push(name);
      this.#starts.push(start);
      this.#bodies.push(body);
    });
    this.#starts.push(bytes.length);
  }

  /** Sorted. */
  get names(): readonly string[] {
    return this.#names;
  }

  get(name: string): TreeEntryBody | undefined {
    const place = this.#place(name);
    if (this.#names[place] !== name) return undefined;
    const entry = this.#bytes.subarray(this.#bodies[place], this.#starts[place + 1]);
    return decodeTreeEntry(new ByteParser(entry, this.#object));
  }

  /** The encoding of the directory with these changes, which must be sorted by name and of different names. */
  with(changes: readonly NodeChange[]): Buffer {
    const writer = beginTreeNode();
    let next = 0;
    const copyUntil = (place: number): void => {
      writer.raw(this.#bytes.subarray(this.#starts[next], this.#starts[place]));
      next = place;
    };
    for (const { name, body } of changes) {
      const place = this.#place(name);
      copyUntil(place);
      if (this.#names[place] === name) next += 1;
      if (body) encodeTreeEntry(writer, name, body);
    }
    copyUntil(this.#names.length);
    return writer.finish();
  }

  /** The number of the first entry whose name is not before this one. */
  #place(name: string): number {
    let [low, high] = [0, this.#names.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#names[middle] ?? '') < name) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
