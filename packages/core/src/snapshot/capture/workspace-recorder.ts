import type { SkippedEntry } from '../../contract/snapshot-types.ts';
import type { BytePath } from '../../manifest/byte-path.ts';
import { pathBytes, pathText } from '../../manifest/byte-path.ts';
import type { PathFacts } from '../format/snapshot-index.ts';
import type { FileContents } from '../format/tree-node.ts';
import type { ObjectWriter } from '../repository/object-writer.ts';
import type { ProgressReporter } from '../progress.ts';
import type { TreeEditor } from '../tree/tree-editor.ts';
import type { SecretScanner } from './secret-scanner.ts';

/** What is recorded of every entry. */
export interface EntryFacts {
  readonly path: BytePath;
  readonly mode: number;
  readonly modifiedNs: bigint;
  /** Empty where it cannot be told whether it changes. */
  readonly state: string;
  /** Equal for two names of one file. Present for files with several names. */
  readonly identity?: string;
}

interface RecordedFile {
  readonly mode: number;
  readonly size: number;
  readonly contents: FileContents;
}

interface LinkedFile {
  readonly names: Set<BytePath>;
  file?: RecordedFile;
}

/** Takes down a workspace as it is read: contents go to the store at once, the rest into a tree. */
export class WorkspaceRecorder {
  readonly facts: Map<BytePath, PathFacts> = new Map<BytePath, PathFacts>();
  readonly removed: Set<BytePath> = new Set<BytePath>();
  readonly skipped: Map<BytePath, SkippedEntry> = new Map<BytePath, SkippedEntry>();
  filesRead = 0;
  bytesRead = 0;
  readonly #editor: TreeEditor;
  readonly #writer: ObjectWriter;
  readonly #scanner: SecretScanner;
  readonly #progress: ProgressReporter;
  readonly #linked = new Map<string, LinkedFile>();
  readonly #identities = new Map<BytePath, string>();

  constructor(
    editor: TreeEditor,
    writer: ObjectWriter,
    scanner: SecretScanner,
    progress: ProgressReporter,
  ) {
    this.#editor = editor;
    this.#writer = writer;
    this.#scanner = scanner;
    this.#progress = progress;
  }

  async directory(entry: EntryFacts): Promise<void> {
    this.#begin(entry);
    await this.#editor.set(entry.path, { type: 'directory', mode: entry.mode });
  }

  async symlink(entry: EntryFacts, target: Uint8Array): Promise<void> {
    this.#begin(entry);
    this.#scanner.check(target, pathText(entry.path));
    const text = Buffer.from(target).toString('latin1');
    await this.#editor.set(entry.path, { type: 'symlink', target: text });
  }

  /** Reads a file's contents to their end. */
  async file(entry: EntryFacts, source: AsyncIterable<Uint8Array>): Promise<void> {
    this.#begin(entry);
    const watched = this.#scanner.watch(source, pathText(entry.path));
    await this.#keep(entry, await this.#writer.putFile(watched, this.#onBytes));
  }

  /** The same for a file whose contents are at hand. */
  async wholeFile(entry: EntryFacts, bytes: Uint8Array): Promise<void> {
    this.#begin(entry);
    this.#scanner.check(bytes, pathText(entry.path));
    this.#onBytes(bytes.length);
    await this.#keep(entry, await this.#writer.putWhole(bytes));
  }

  /** One more name of the file that has been recorded at `target`. */
  async link(entry: EntryFacts, target: BytePath): Promise<void> {
    this.#begin(entry);
    const identity = this.#identities.get(target) ?? entry.identity ?? `path ${target}`;
    const group = this.#join(identity, target);
    if (group.file === undefined) {
      const found = await this.#editor.get(target);
      if (found?.type === 'file') group.file = found;
    }
    this.#join(identity, entry.path);
  }

  /** Whether a file is known by another of its names, so that this one need not be read. */
  async knownLink(entry: EntryFacts & { readonly identity: string }): Promise<boolean> {
    if (this.#linked.get(entry.identity)?.file === undefined) return false;
    this.#begin(entry);
    this.#join(entry.identity, entry.path);
    return true;
  }

  /** Leaves out what there is no place for. */
  async skip(path: BytePath, type: SkippedEntry['type']): Promise<void> {
    await this.remove(path);
    this.skipped.set(path, { path: pathText(path), type });
  }

  async remove(path: BytePath): Promise<void> {
    await this.#editor.remove(path);
    this.#part(path);
    this.facts.delete(path);
    this.removed.add(path);
    this.skipped.delete(path);
  }

  /** Gives each file with several names its first one, now that all are known. */
  async linkNames(): Promise<void> {
    for (const { names, file } of this.#linked.values()) {
      const [first, ...others] = [...names].toSorted();
      if (first === undefined || file === undefined) continue;
      await this.#editor.set(first, { type: 'file', ...file });
      for (const name of others) await this.#editor.set(name, { type: 'hardlink', first });
    }
  }

  readonly #onBytes = (bytes: number): void => {
    this.bytesRead += bytes;
    this.#progress.add('reading', bytes, 0);
  };

  #keep(
    { path, mode, identity }: EntryFacts,
    stored: Pick<RecordedFile, 'size' | 'contents'>,
  ): Promise<void> | void {
    this.filesRead += 1;
    const file = { mode, ...stored };
    if (identity !== undefined) this.#join(identity, path).file = file;
    return this.#editor.set(path, { type: 'file', ...file });
  }

  #begin({ path, modifiedNs, state }: EntryFacts): void {
    this.#scanner.check(pathBytes(path), pathText(path));
    this.#part(path);
    this.facts.set(path, { modifiedNs, state });
    this.removed.delete(path);
    this.skipped.delete(path);
    this.#progress.add('reading', 0, 1);
  }

  #join(identity: string, path: BytePath): LinkedFile {
    if (this.#identities.get(path) !== identity) this.#part(path);
    const group = this.#linked.get(identity) ?? { names: new Set() };
    this.#linked.set(identity, group);
    this.#identities.set(path, identity);
    group.names.add(path);
    return group;
  }

  /** Takes a name from the file that it was one of. */
  #part(path: BytePath): void {
    const identity = this.#identities.get(path);
    if (identity === undefined) return;
    this.#identities.delete(path);
    this.#linked.get(identity)?.names.delete(path);
  }
}
