import type {
  ByteRange,
  DirectoryEntry,
  FileStat,
  SandboxPath,
  WatchEvent,
} from '../../contract/file-types.ts';
import type { Files, WatchOptions, WriteOptions } from '../../contract/files.ts';
import type { OperationOptions } from '../../contract/call.ts';
import type { Json } from '../journal/run-event.ts';

/** What recorded files stand on. */
export interface FileRecorder {
  /** Checks that files may be used here, and waits out a provider that is out of reach. */
  use<Result>(operation: string, work: (files: Files) => Promise<Result>): Promise<Result>;
  /** Checks that these paths may be changed, does it, and notes it. */
  change(
    operation: string,
    paths: readonly SandboxPath[],
    facts: Json,
    work: (files: Files) => Promise<void>,
  ): Promise<void>;
  /** The keyed digest of contents. */
  digest(bytes: Uint8Array): string;
}

/** Files of a run's sandbox: what changes them is checked by the policy and noted. */
export class RecordedFiles implements Files {
  readonly #recorder: FileRecorder;

  constructor(recorder: FileRecorder) {
    this.#recorder = recorder;
  }

  async read(
    path: SandboxPath,
    options?: ByteRange & OperationOptions,
  ): Promise<ReadableStream<Uint8Array>> {
    return this.#recorder.use('files.read', (files) => files.read(path, options));
  }

  async readBytes(path: SandboxPath, options?: ByteRange & OperationOptions): Promise<Uint8Array> {
    return this.#recorder.use('files.readBytes', (files) => files.readBytes(path, options));
  }

  async readText(path: SandboxPath, options?: OperationOptions): Promise<string> {
    return this.#recorder.use('files.readText', (files) => files.readText(path, options));
  }

  async write(
    path: SandboxPath,
    contents: Parameters<Files['write']>[1],
    options?: WriteOptions,
  ): Promise<void> {
    const bytes = typeof contents === 'string' ? Buffer.from(contents) : contents;
    // A stream's bytes are digested with the workspace at the next checkpoint.
    const facts =
      bytes instanceof Uint8Array
        ? { digest: this.#recorder.digest(bytes), size: bytes.length }
        : null;
    await this.#recorder.change('write', [path], facts, (files) =>
      files.write(path, contents, options),
    );
  }

  async list(path: SandboxPath, options?: OperationOptions): Promise<readonly DirectoryEntry[]> {
    return this.#recorder.use('files.list', (files) => files.list(path, options));
  }

  async stat(path: SandboxPath, options?: OperationOptions): Promise<FileStat> {
    return this.#recorder.use('files.stat', (files) => files.stat(path, options));
  }

  async exists(path: SandboxPath, options?: OperationOptions): Promise<boolean> {
    return this.#recorder.use('files.exists', (files) => files.exists(path, options));
  }

  move(from: SandboxPath, to: SandboxPath, options?: OperationOptions): Promise<void> {
    return this.#recorder.change('move', [from, to], {}, (files) => files.move(from, to, options));
  }

  remove(path: SandboxPath, options?: OperationOptions): Promise<void> {
    return this.#recorder.change('remove', [path], {}, (files) => files.remove(path, options));
  }

  makeDirectory(path: SandboxPath, options?: WriteOptions): Promise<void> {
    return this.#recorder.change('makeDirectory', [path], {}, (files) =>
      files.makeDirectory(path, options),
    );
  }

  symlink(target: SandboxPath, path: SandboxPath, options?: OperationOptions): Promise<void> {
    return this.#recorder.change('symlink', [path], {}, (files) =>
      files.symlink(target, path, options),
    );
  }

  setMode(path: SandboxPath, mode: number, options?: OperationOptions): Promise<void> {
    return this.#recorder.change('setMode', [path], { mode }, (files) =>
      files.setMode(path, mode, options),
    );
  }

  async *watch(path: SandboxPath, options?: WatchOptions): AsyncGenerator<WatchEvent> {
    const found = await this.#recorder.use('files.watch', async (files) => files);
    yield* found.watch(path, options);
  }
}
