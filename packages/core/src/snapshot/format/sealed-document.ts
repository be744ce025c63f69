import { SandboxError } from '../../errors/sandbox-error.ts';
import type { Codec } from './codec.ts';
import { compressFrame, decompressFrame } from './compress.ts';

/** Most bytes that a document may claim to have; what it describes is far larger. */
const longestDocument = 2 ** 31;

/** A whole document: its magic, the length of its body, a salt, and the body as one sealed zstd frame. */
export async function sealDocument(codec: Codec, magic: string, body: Uint8Array): Promise<Buffer> {
  const sealer = codec.sealer();
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  return Buffer.concat([
    Buffer.from(magic, 'latin1'),
    length,
    sealer.salt,
    ...sealer.seal(0, [await compressFrame(body)]),
  ]);
}

/** The body of such a document. Anything else is `data-loss`, naming the object. */
export async function openDocument(
  codec: Codec,
  magic: string,
  bytes: Uint8Array,
  object: string,
): Promise<Buffer> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const start = magic.length + 4;
  const salted = start + codec.saltBytes;
  const length = buffer.length < salted ? 0 : buffer.readUInt32BE(magic.length);
  if (
    buffer.length < salted ||
    buffer.toString('latin1', 0, magic.length) !== magic ||
    length > longestDocument
  ) {
    throw new SandboxError('data-loss', `${object} is damaged: it does not start with ${magic}`, {
      details: { object },
    });
  }
  const opener = codec.opener(buffer.subarray(start, salted), object);
  return decompressFrame(opener.open(0, buffer.subarray(salted)), length, object);
}
