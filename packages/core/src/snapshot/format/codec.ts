import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  hash,
  hkdfSync,
  randomBytes,
} from 'node:crypto';
import { SandboxError } from '../../errors/sandbox-error.ts';
import type { ObjectId } from './tree-node.ts';

/** Bytes before each sealed document: what its key is derived with. Zero bytes long without encryption. */
export interface Sealer {
  /** What readers need to make the same sealer: stored in the open, in front of what was sealed. */
  readonly salt: Uint8Array;
  /** Seals the nth part of a document, which is in pieces; they are joined. Each number may be used once. */
  seal(part: number, pieces: readonly Uint8Array[]): readonly Uint8Array[];
}

/** Opens what a `Sealer` sealed. Another key, number or byte is `data-loss`, naming the object. */
export interface Opener {
  open(part: number, bytes: Uint8Array): Buffer;
}

/** How objects are named and kept secret in one store. */
export interface Codec {
  readonly encryption: 'none' | 'aes-256-gcm';
  /** Length of the salt in front of a sealed document. */
  readonly saltBytes: number;
  /** By how many bytes sealing makes a part longer. */
  readonly overhead: number;
  /** The id of an object: of its plain bytes. */
  identify(bytes: Uint8Array): ObjectId;
  /** Seeds the table of the chunker. */
  gearSeed(byte: number): Uint8Array;
  sealer(): Sealer;
  opener(salt: Uint8Array, object: string): Opener;
}

/** Names by SHA-256, nothing encrypted. */
export const plainCodec: Codec = {
  encryption: 'none',
  saltBytes: 0,
  overhead: 0,
  identify: (bytes) => hash('sha256', bytes, 'hex'),
  gearSeed: (byte) =>
    createHash('sha256').update('gantry-gear/1').update(Uint8Array.of(byte)).digest(),
  sealer: () => ({ salt: Buffer.alloc(0), seal: (_part, pieces) => pieces }),
  opener: () => ({ open: (_part, bytes) => asBuffer(bytes) }),
};

const cipher = 'aes-256-gcm';
const keyBytes = 32;
const saltBytes = 32;
const tagBytes = 16;

/**
 * Names by HMAC-SHA-256, everything sealed with AES-256-GCM. Every document has a random salt and by it a key of its own
 * (HKDF-SHA-256), so the number of a part can be its nonce and none is ever used twice.
 */
export function encryptedCodec(key: Uint8Array): Codec {
  if (key.length !== keyBytes) {
    throw new SandboxError(
      'invalid-argument',
      `the key of an encrypted store is ${keyBytes} bytes, not ${key.length}`,
    );
  }
  const derive = (salt: Uint8Array, purpose: string): Buffer =>
    Buffer.from(hkdfSync('sha256', key, salt, `gantry-snapshot/1 ${purpose}`, keyBytes));
  const idKey = derive(Buffer.alloc(0), 'ids');
  const gearKey = derive(Buffer.alloc(0), 'chunker');
  return {
    encryption: cipher,
    saltBytes,
    overhead: tagBytes,
    identify: (bytes) => createHmac('sha256', idKey).update(bytes).digest('hex'),
    gearSeed: (byte) => createHmac('sha256', gearKey).update(Uint8Array.of(byte)).digest(),
    sealer() {
      const salt = randomBytes(saltBytes);
      const documentKey = derive(salt, 'contents');
      return {
        salt,
        seal(part, pieces) {
          const sealing = createCipheriv(cipher, documentKey, nonce(part));
          const sealed = [...pieces.map((piece) => sealing.update(piece)), sealing.final()];
          return [...sealed, sealing.getAuthTag()];
        },
      };
    },
    opener(salt, object) {
      const documentKey = derive(salt, 'contents');
      return {
        open(part, bytes) {
          const sealed = asBuffer(bytes);
          if (sealed.length < tagBytes) throw forged(object);
          const opening = createDecipheriv(cipher, documentKey, nonce(part));
          opening.setAuthTag(sealed.subarray(-tagBytes));
          const plain = opening.update(sealed.subarray(0, -tagBytes));
          try {
            opening.final();
          } catch (cause) {
            throw forged(object, cause);
          }
          return plain;
        },
      };
    },
  };
}

/** Twelve bytes: the number of the part, the highest byte first. */
function nonce(part: number): Buffer {
  const bytes = Buffer.alloc(12);
  bytes.writeBigUInt64BE(BigInt(part), 4);
  return bytes;
}

function forged(object: string, cause?: unknown): SandboxError {
  return new SandboxError(
    'data-loss',
    `${object} is damaged: it does not have the seal of this store's key`,
    { details: { object }, ...(cause === undefined ? {} : { cause }) },
  );
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
