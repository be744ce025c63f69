import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  type KeyObject,
  randomBytes,
} from 'node:crypto';
import { SandboxError } from '../../errors/sandbox-error.ts';
import { canonicalJson } from '../../manifest/canonical-json.ts';

const nonceBytes = 12;
const tagBytes = 16;

/**
 * Encrypts a run's bodies (AES-256-GCM: nonce, tag, ciphertext) and makes its digests of values. The digests are keyed:
 * once the key is destroyed nobody can try out what a short value was.
 */
export class BodyCipher {
  readonly #key: KeyObject;

  constructor(key: Uint8Array) {
    this.#key = createSecretKey(key);
  }

  /** The body of one event; it opens as no other event's. */
  seal(body: unknown, run: string, sequence: number): Uint8Array {
    return this.sealBytes(Buffer.from(canonicalJson(body)), `${run}:${sequence}`);
  }

  sealBytes(plain: Uint8Array, label: string): Uint8Array {
    const nonce = randomBytes(nonceBytes);
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce);
    cipher.setAAD(Buffer.from(label));
    const text = Buffer.concat([cipher.update(plain), cipher.final()]);
    return Buffer.concat([nonce, cipher.getAuthTag(), text]);
  }

  /** The body again. Rejects with `data-loss` what was not sealed with this key for this event. */
  open(sealed: Uint8Array, run: string, sequence: number): unknown {
    const text = Buffer.from(this.openBytes(sealed, `${run}:${sequence}`)).toString('utf8');
    return JSON.parse(text);
  }

  openBytes(sealed: Uint8Array, label: string): Uint8Array {
    try {
      const nonce = sealed.subarray(0, nonceBytes);
      const decipher = createDecipheriv('aes-256-gcm', this.#key, nonce);
      decipher.setAAD(Buffer.from(label));
      decipher.setAuthTag(sealed.subarray(nonceBytes, nonceBytes + tagBytes));
      const text = decipher.update(sealed.subarray(nonceBytes + tagBytes));
      return Buffer.concat([text, decipher.final()]);
    } catch (cause) {
      throw new SandboxError('data-loss', `the body of ${label} is not what was written`, {
        operation: 'journal.read',
        cause,
      });
    }
  }

  /** A digest of a JSON value that says nothing without the key. */
  digest(value: unknown): string {
    return this.digestBytes(Buffer.from(canonicalJson(value)));
  }

  digestBytes(bytes: Uint8Array): string {
    return createHmac('sha256', this.#key).update('gantry-digest/1\n').update(bytes).digest('hex');
  }
}
