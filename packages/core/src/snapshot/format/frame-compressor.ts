import { constants, createZstdCompress, type ZstdCompress } from 'node:zlib';
import { roomFor, zstdParameters } from './compress.ts';

/**
 * Makes zstd frames on another thread, one after another. Its memory stays for the next one: making and freeing it anew takes a
 * third of the time of a frame of 1 MiB, and keeps the collector busy. Whoever made it closes it.
 */
export class FrameCompressor {
  readonly #stream: ZstdCompress;
  /** Where the last piece is, and the next one will be. */
  #place: ArrayBuffer | undefined;

  /** Takes frames of any size; `usualBytes` is the best one. */
  constructor(usualBytes: number) {
    const options = {
      params: zstdParameters,
      // What is written at once is a frame.
      flush: constants.ZSTD_e_end,
      chunkSize: roomFor(usualBytes),
      // Nobody takes anything before it is whole, so nothing may have to wait for that.
      readableObjectMode: true,
      readableHighWaterMark: Number.MAX_SAFE_INTEGER,
    };
    this.#stream = createZstdCompress(options);
  }

  /** One independent frame (RFC 8878), in pieces. One at a time: the next is asked for when this one is there. */
  async compress(bytes: Uint8Array): Promise<readonly Buffer<ArrayBuffer>[]> {
    await new Promise<void>((resolve, reject) => {
      this.#stream.once('error', reject);
      this.#stream.write(bytes, (error) => {
        this.#stream.off('error', reject);
        if (error) reject(error);
        else resolve();
      });
    });
    const pieces: Buffer<ArrayBuffer>[] = [];
    for (let piece = this.#take(); piece; piece = this.#take()) pieces.push(piece);
    this.#place = pieces.at(-1)?.buffer;
    return pieces;
  }

  /** Frees its memory; what it made is gone with it. */
  close(): void {
    this.#stream.destroy();
    if (this.#place?.detached === false) this.#place.transfer(0);
  }

  #take(): Buffer<ArrayBuffer> | null {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Node types what is read as any
    return this.#stream.read() as Buffer<ArrayBuffer> | null;
  }
}

/** Gives back memory of pieces that are used up, in the order in which they came: several may share one place. */
export function freePieces(pieces: readonly Buffer<ArrayBuffer>[]): void {
  for (const { buffer, byteOffset, length } of pieces) {
    // The stream has gone on to another place where it has filled this one.
    if (byteOffset + length === buffer.byteLength) buffer.transfer(0);
  }
}
