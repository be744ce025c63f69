import { randomBytes } from 'node:crypto';
import type { OperationOptions } from '../contract/call.ts';
import type {
  ByteRange,
  DirectoryEntry,
  FileStat,
  SandboxPath,
  WatchEvent,
} from '../contract/file-types.ts';
import type { Files, WatchOptions, WriteOptions } from '../contract/files.ts';
import type { InputSource } from '../contract/sandbox.ts';
import { SandboxError } from '../errors/sandbox-error.ts';
import { toSandboxError } from '../errors/to-sandbox-error.ts';
import { readAll } from '../process/byte-source.ts';
import { wholeIfSmall } from '../process/whole-input.ts';
import { unsupported } from '../provider/capabilities.ts';
import { named } from '../provider/operate.ts';
import { StopSource } from '../provider/stop-source.ts';
import type { Session } from '../provider/session.ts';
import { workspacePath } from '../provider/session.ts';
import { insidePathBytes, printablePath, scriptPath, startsWithPath } from './inside-path.ts';
import { nativeRead, nativeWrite } from './native-files.ts';
import { parseList, parseStat } from './parse-stat.ts';
import { runBinaryScript, runScript, streamScript } from './run-script.ts';
import { download, inlineLimit, upload } from './transfer.ts';
import { writeByArguments } from './write-by-arguments.ts';

/** How long the removal of an interrupted write's temporary file may take. */
const discardMs = 10_000;

/** The files of one sandbox: the driver's own streams where it has them, else programs run in the sandbox. */
export class SandboxFiles implements Files {
  readonly #session: (operation: string) => Session;

  /** `session` throws when the sandbox is no longer usable; it is asked before every operation. */
  constructor(session: (operation: string) => Session) {
    this.#session = session;
  }

  async read(
    path: SandboxPath,
    options: ByteRange & OperationOptions = {},
  ): Promise<ReadableStream<Uint8Array>> {
    return this.#use('files.read', async (session, operation) => {
      const { offset = 0, length } = options;
      checkRange(offset, length);
      const native = nativeRead(session, path, offset, length, options);
      if (native) return native;
      if (offset === 0 && length === undefined) {
        const whole = await download(session, operation, path, options);
        if (whole) return whole;
      }
      const args = [String(offset), length === undefined ? '' : String(length)];
      return withoutMarker(
        await streamScript(session, { operation, script: 'read', path, args }, options),
      );
    });
  }

  async readBytes(path: SandboxPath, options?: ByteRange & OperationOptions): Promise<Uint8Array> {
    return readAll(await this.read(path, options));
  }

  async readText(path: SandboxPath, options?: OperationOptions): Promise<string> {
    return this.#use('files.readText', async () => {
      const bytes = await this.readBytes(path, options);
      try {
        return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
      } catch (cause) {
        const message = `files.readText: ${printablePath(path)} is not UTF-8; use readBytes`;
        throw new SandboxError('invalid-argument', message, { cause });
      }
    });
  }

  async write(path: SandboxPath, contents: InputSource, options: WriteOptions = {}): Promise<void> {
    return this.#use('files.write', async (session, operation) => {
      const mode = octal(options.mode);
      const native = nativeWrite(session, path, contents, options);
      if (native) return native;
      const temporary = `.gantry-${randomBytes(8).toString('hex')}`;
      const run = { operation, script: 'write', path, args: [mode, temporary] } as const;
      let staged: string | undefined;
      try {
        if (session.capabilities.traits.stdin === 'none') {
          await writeByArguments(session, run, contents, options);
        } else {
          const input = await wholeIfSmall(contents, inlineLimit(session));
          staged = await upload(session, operation, input, options);
          const placed = {
            ...run,
            script: 'place',
            args: [mode, temporary, staged ?? ''],
          } as const;
          await runScript(session, staged === undefined ? { ...run, input } : placed, options);
        }
      } catch (error) {
        throw await discarded(session, path, [temporary, staged ?? ''], error);
      }
    });
  }

  async list(
    path: SandboxPath,
    options: OperationOptions = {},
  ): Promise<readonly DirectoryEntry[]> {
    return this.#use('files.list', async (session, operation) =>
      parseList(await runBinaryScript(session, { operation, script: 'list', path }, options)),
    );
  }

  async stat(path: SandboxPath, options: OperationOptions = {}): Promise<FileStat> {
    return this.#use('files.stat', async (session, operation) => {
      const run = { operation, script: 'stat', path } as const;
      const output = await runBinaryScript(session, run, options);
      const end = output.indexOf(0x0a);
      return parseStat(output.toString('latin1', 0, end), output.subarray(end + 1));
    });
  }

  async exists(path: SandboxPath, options: OperationOptions = {}): Promise<boolean> {
    return this.#use('files.exists', async (session, operation) => {
      try {
        await runScript(session, { operation, script: 'exists', path }, options);
        return true;
      } catch (error) {
        // Only the script's own verdict on this path; a sandbox that is gone is an error.
        if (SandboxError.is(error) && error.details['reason'] === 'not-found') return false;
        throw error;
      }
    });
  }

  async move(from: SandboxPath, to: SandboxPath, options: OperationOptions = {}): Promise<void> {
    return this.#use('files.move', async (session, operation) => {
      for (const path of [from, to]) refuseWorkspace(session, operation, path);
      const args = [scriptPath(insidePathBytes(session, operation, to))];
      await runScript(session, { operation, script: 'move', path: from, args }, options);
    });
  }

  async remove(path: SandboxPath, options: OperationOptions = {}): Promise<void> {
    return this.#use('files.remove', async (session, operation) => {
      refuseWorkspace(session, operation, path);
      await runScript(session, { operation, script: 'remove', path }, options);
    });
  }

  async makeDirectory(path: SandboxPath, options: WriteOptions = {}): Promise<void> {
    return this.#use('files.makeDirectory', async (session, operation) => {
      const args = [octal(options.mode)];
      await runScript(session, { operation, script: 'makeDirectory', path, args }, options);
    });
  }

  async symlink(
    target: SandboxPath,
    path: SandboxPath,
    options: OperationOptions = {},
  ): Promise<void> {
    return this.#use('files.symlink', async (session, operation) => {
      const bytes = typeof target === 'string' ? new TextEncoder().encode(target) : target;
      if (bytes.length === 0 || bytes.includes(0)) {
        const message = 'files.symlink: the target is empty or contains NUL';
        throw new SandboxError('invalid-argument', message);
      }
      const args = [scriptPath(bytes)];
      await runScript(session, { operation, script: 'symlink', path, args }, options);
    });
  }

  async setMode(path: SandboxPath, mode: number, options: OperationOptions = {}): Promise<void> {
    return this.#use('files.setMode', async (session, operation) => {
      await runScript(
        session,
        { operation, script: 'setMode', path, args: [octal(mode)] },
        options,
      );
    });
  }

  async *watch(path: SandboxPath, options: WatchOptions = {}): AsyncGenerator<WatchEvent, void> {
    const session = this.#session('files.watch');
    const { watch, id } = session.driver;
    const operation = 'files.watch';
    if (!watch || !session.capabilities.watch) throw unsupported(id, operation, 'watch');
    const { recursive = false } = options;
    if (recursive && !session.capabilities.watch.recursive) {
      throw unsupported(id, `${operation} of whole trees`, 'watch.recursive');
    }
    const directory = Buffer.from(insidePathBytes(session, operation, path)).toString();
    const context = { provider: id, operation, ref: session.handle.ref };
    using stop = new StopSource(context, options);
    try {
      stop.throwIfStopped('not-started');
      yield* watch.watch(session.handle, directory, { recursive }, stop.call);
    } catch (error) {
      throw stop.stopped ? stop.error('unknown', error) : toSandboxError(error, context);
    }
  }

  /** Runs one operation on a sandbox that is still usable; its errors name where they happened. */
  async #use<Result>(
    operation: string,
    work: (session: Session, operation: string) => Promise<Result>,
  ): Promise<Result> {
    const session = this.#session(operation);
    const context = { provider: session.driver.id, operation, ref: session.handle.ref };
    return named(context, () => work(session, operation));
  }
}

/** Removes what an interrupted write left behind; returns the error to throw. */
async function discarded(
  session: Session,
  path: SandboxPath,
  leftovers: readonly [temporary: string, staged: string],
  error: unknown,
): Promise<unknown> {
  if (SandboxError.is(error) && error.outcome === 'not-started') return error;
  const run = { operation: 'files.write', script: 'discard', path, args: leftovers } as const;
  try {
    await runScript(session, run, { timeoutMs: discardMs });
    return error;
  } catch (second) {
    if (!SandboxError.is(error)) return error;
    const leftover = `${leftovers[0]} may be left beside the file: ${String(second)}`;
    return error.with({ details: { ...error.details, leftover } });
  }
}

function octal(mode: number | undefined): string {
  if (mode === undefined) return '';
  if (Number.isInteger(mode) && mode >= 0 && mode <= 0o7777) return mode.toString(8);
  throw new SandboxError('invalid-argument', `mode ${mode} is not from 0 to 0o7777`);
}

function checkRange(offset: number, length: number | undefined): void {
  for (const [name, value] of Object.entries({ offset, length: length ?? 0 })) {
    if (Number.isSafeInteger(value) && value >= 0) continue;
    throw new SandboxError('invalid-argument', `files.read: ${name} must be a whole number from 0`);
  }
}

function refuseWorkspace(session: Session, operation: string, path: SandboxPath): void {
  const inside = insidePathBytes(session, operation, path);
  if (!startsWithPath(new TextEncoder().encode(session.workspace), inside) && inside.length > 1)
    return;
  throw new SandboxError(
    'invalid-argument',
    `${operation}: ${workspacePath} itself and what contains it stay where they are`,
    { operation },
  );
}

/** Drops the first byte, by which the `read` script says that contents follow. */
function withoutMarker(stream: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  let seen = false;
  const reader = stream.getReader();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        for (;;) {
          const { done, value } = await reader.read();
          if (done) return controller.close();
          const chunk = seen ? value : value.subarray(1);
          seen = true;
          if (chunk.length > 0) return controller.enqueue(chunk);
        }
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}
