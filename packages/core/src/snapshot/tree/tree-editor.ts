import type { SnapshotContents } from '../../contract/snapshot-types.ts';
import { type NodeChange, StoredNode } from '../format/stored-node.ts';
import { encodeTreeNode, type ObjectId, type TreeEntryBody } from '../format/tree-node.ts';
import type { ObjectReader } from '../repository/object-reader.ts';
import type { ObjectWriter } from '../repository/object-writer.ts';

/** What is put at a path. A directory keeps what is in it. */
export type NewEntry =
  | Exclude<TreeEntryBody, { type: 'directory' }>
  | { readonly type: 'directory'; readonly mode: number };

/** Mode of directories that nothing speaks of. */
const impliedMode = 0o755;

interface Directory {
  mode: number;
  /** Present for what is as it is stored. */
  id: ObjectId | undefined;
  /** As it was when something in it was first looked at. Absent for a new one. */
  stored: StoredNode | undefined;
  /** What is known to be there, or to be there no more. Absent until something in it is looked at. */
  entries: Map<string, Child | undefined> | undefined;
}

type Child =
  | { readonly kind: 'leaf'; readonly body: Exclude<TreeEntryBody, { type: 'directory' }> }
  | { readonly kind: 'directory'; readonly directory: Directory };

/**
 * A tree being changed: reads only the directories on the way to a change, and writes only those that are different. Paths
 * are latin1 strings, one character for each byte.
 */
export class TreeEditor {
  readonly #reader: ObjectReader | undefined;
  readonly #root: Directory;
  readonly #contents: { -readonly [Name in keyof SnapshotContents]: number };

  /** Starts from a stored tree with these contents, or from an empty one. */
  constructor(base?: {
    readonly reader: ObjectReader;
    readonly tree: ObjectId;
    readonly contents: SnapshotContents;
  }) {
    this.#reader = base?.reader;
    this.#root = { ...newDirectory(0), id: base?.tree, entries: base ? undefined : new Map() };
    this.#contents = { files: 0, directories: 0, symlinks: 0, bytes: 0, ...base?.contents };
  }

  get contents(): SnapshotContents {
    return { ...this.#contents };
  }

  /** Puts an entry at a path, in place of whatever is there; makes directories on the way. */
  async set(path: string, entry: NewEntry): Promise<void> {
    const [directory, name] = this.#loadedParent(path) ?? (await this.#parent(path, true));
    if (directory === undefined) return;
    const before = childOf(directory, name);
    if (entry.type === 'directory' && before?.kind === 'directory') {
      before.directory.mode = entry.mode;
      return;
    }
    if (before) await this.#forget(before);
    const child: Child =
      entry.type === 'directory'
        ? { kind: 'directory', directory: newDirectory(entry.mode) }
        : { kind: 'leaf', body: entry };
    directory.entries?.set(name, child);
    this.#count(child, 1);
  }

  /** Takes an entry out, with all that is in it. One that is not there is no error. */
  async remove(path: string): Promise<void> {
    const [directory, name] = await this.#parent(path, false);
    const before = directory && childOf(directory, name);
    if (!directory || !before) return;
    await this.#forget(before);
    directory.entries?.set(name, undefined);
  }

  /** What is at a path now. */
  async get(path: string): Promise<NewEntry | undefined> {
    const [directory, name] = await this.#parent(path, false, false);
    const child = directory && childOf(directory, name);
    if (child?.kind !== 'directory') return child?.body;
    return { type: 'directory', mode: child.directory.mode };
  }

  /** Writes what is different, and returns the id of the whole. */
  async commit(writer: Pick<ObjectWriter, 'put'>): Promise<ObjectId> {
    return this.#write(this.#root, writer);
  }

  async #write(directory: Directory, writer: Pick<ObjectWriter, 'put'>): Promise<ObjectId> {
    if (directory.id !== undefined) return directory.id;
    const { entries = new Map<string, Child | undefined>(), stored } = directory;
    const changes: NodeChange[] = [];
    for (const name of [...entries.keys()].toSorted()) {
      const child = entries.get(name);
      if (child === undefined) changes.push({ name });
      else if (child.kind === 'leaf') changes.push({ name, body: child.body });
      else {
        const { mode } = child.directory;
        const id = await this.#write(child.directory, writer);
        changes.push({ name, body: { type: 'directory', mode, id } });
      }
    }
    directory.id = await writer.put((stored ?? emptyNode).with(changes));
    return directory.id;
  }

  /** The directory that holds a path, opened, and the path's last name. With `change` it will be written again. */
  async #parent(
    path: string,
    make: boolean,
    change = true,
  ): Promise<readonly [Directory | undefined, string]> {
    const names = path.split('/');
    const last = names.pop() ?? '';
    let directory = this.#root;
    await this.#open(directory, change);
    for (const name of names) {
      let child = childOf(directory, name);
      if (child?.kind !== 'directory') {
        if (!make) return [undefined, last];
        if (child) await this.#forget(child);
        child = { kind: 'directory', directory: newDirectory(impliedMode) };
        directory.entries?.set(name, child);
        this.#count(child, 1);
      }
      directory = child.directory;
      await this.#open(directory, change);
    }
    return [directory, last];
  }

  /** The same without waiting, where every directory on the way is there and has been changed before. */
  #loadedParent(path: string): readonly [Directory, string] | undefined {
    let directory = this.#root;
    let start = 0;
    for (let slash = path.indexOf('/'); slash !== -1; slash = path.indexOf('/', start)) {
      if (directory.id !== undefined) return undefined;
      const child = childOf(directory, path.slice(start, slash));
      if (child?.kind !== 'directory') return undefined;
      directory = child.directory;
      start = slash + 1;
    }
    const ready = directory.id === undefined && directory.entries !== undefined;
    return ready ? [directory, path.slice(start)] : undefined;
  }

  async #open(directory: Directory, change: boolean): Promise<void> {
    if (directory.entries === undefined) {
      const { id } = directory;
      if (id !== undefined && this.#reader) {
        directory.stored = new StoredNode(await this.#reader.read(id), `tree ${id}`);
      }
      directory.entries = new Map();
    }
    if (change) directory.id = undefined;
  }

  /** Takes a child, and all that is in it, out of the counts. */
  async #forget(child: Child): Promise<void> {
    this.#count(child, -1);
    if (child.kind !== 'directory') return;
    const { directory } = child;
    await this.#open(directory, false);
    const names = new Set([
      ...(directory.stored?.names ?? []),
      ...(directory.entries?.keys() ?? []),
    ]);
    for (const name of names) {
      const inner = childOf(directory, name);
      if (inner) await this.#forget(inner);
    }
  }

  #count(child: Child, by: 1 | -1): void {
    if (child.kind === 'directory') this.#contents.directories += by;
    else if (child.body.type === 'symlink') this.#contents.symlinks += by;
    else {
      this.#contents.files += by;
      if (child.body.type === 'file') this.#contents.bytes += by * child.body.size;
    }
  }
}

const emptyNode = new StoredNode(encodeTreeNode([]), 'an empty tree');

function newDirectory(mode: number): Directory {
  return { mode, id: undefined, stored: undefined, entries: new Map() };
}

/** What an opened directory has under a name; from then on it is the same object. */
function childOf({ stored, entries }: Directory, name: string): Child | undefined {
  const known = entries?.get(name);
  if (known || entries?.has(name)) return known;
  const body = stored?.get(name);
  if (!body) return undefined;
  const child: Child =
    body.type === 'directory'
      ? {
          kind: 'directory',
          directory: { mode: body.mode, id: body.id, stored: undefined, entries: undefined },
        }
      : { kind: 'leaf', body };
  entries?.set(name, child);
  return child;
}
