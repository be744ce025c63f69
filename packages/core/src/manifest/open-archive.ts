import { createHash } from 'node:crypto';
import { Readable, pipeline } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import type { Transform } from 'node:stream';
import type { Call } from '../contract/call.ts';
import { SandboxError } from '../errors/sandbox-error.ts';
import type { BytePath } from './byte-path.ts';
import { pathBytes, pathText } from './byte-path.ts';
import { readHostFile } from './host-file.ts';
import { readTar } from './tar-reader.ts';
import type { TarEntry, TarLimits } from './tar-types.ts';

/** What of an archive is read before it is refused. */
export const archiveLimits: TarLimits = { maxBytes: 16 * 1024 ** 3, maxEntries: 1_000_000 };

/** An archive of the host while it is read. */
export interface OpenArchive {
  readonly entries: AsyncGenerator<TarEntry, void, undefined>;
  /** SHA-256 of the file as it is stored; complete once `entries` has ended. */
  digest(): string;
}

/** Reads a tar file, unpacked from gzip or zstd if its first bytes say so (its name does not matter). */
export async function openArchive(
  file: BytePath,
  operation: string,
  limits: TarLimits,
  call: Call,
): Promise<OpenArchive> {
  const hash = createHash('sha256');
  const raw = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const chunk of readHostFile(pathBytes(file), operation, call)) {
      hash.update(chunk);
      yield chunk;
    }
  };
  const tar = uncompressed(raw(), pathText(file), operation);
  return { entries: readTar(tar, limits), digest: () => hash.digest('hex') };
}

/** The bytes of a stream, unpacked from gzip or zstd if its first bytes say so. */
export async function* uncompressed(
  source: AsyncGenerator<Uint8Array, void, undefined>,
  name: string,
  operation: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  const first = await source.next();
  const raw = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for (let next = first; next.done !== true; next = await source.next()) yield next.value;
    } finally {
      // A reader that stops early must not leave the file open.
      await source.return();
    }
  };
  const unpack = decompressor(first.done === true ? new Uint8Array(0) : first.value);
  yield* unpack === undefined ? raw() : decompress(raw(), unpack, name, operation);
}

function decompressor(start: Uint8Array): Transform | undefined {
  const magic = Buffer.from(start.subarray(0, 4)).toString('hex');
  if (magic.startsWith('1f8b')) return createGunzip();
  return magic === '28b52ffd' ? createZstdDecompress() : undefined;
}

async function* decompress(
  source: AsyncIterable<Uint8Array>,
  unpack: Transform,
  name: string,
  operation: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  let failure: unknown;
  const output = pipeline(Readable.from(source), unpack, (error) => {
    failure = error ?? undefined;
  });
  try {
    for await (const chunk of output) {
      if (!(chunk instanceof Uint8Array)) throw new TypeError('a decompressor gave no bytes');
      yield chunk;
    }
  } catch (error) {
    const cause = failure ?? error;
    if (SandboxError.is(cause) || !isZlibError(cause)) throw cause;
    throw new SandboxError('data-loss', `${name} cannot be decompressed: ${cause.message}`, {
      operation,
      cause,
    });
  }
}

function isZlibError(error: unknown): error is Error {
  return (
    error instanceof Error && 'code' in error && /^(?:Z_|ZSTD_|ERR_ZLIB)/.test(String(error.code))
  );
}
