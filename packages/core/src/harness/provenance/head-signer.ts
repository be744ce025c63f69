import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto';
import { canonicalJson } from '../../manifest/canonical-json.ts';
import type { JournalHead, SignedHead } from '../journal/journal.ts';

/** Signs heads of runs with a key that is kept away from the journal. */
export interface HeadSigner {
  /** Ed25519, PEM: what `verify` needs. */
  readonly publicKey: string;
  /** The signature of the bytes. */
  sign(bytes: Uint8Array): Promise<Uint8Array>;
  /** Keeps the latest signed head of a run outside the journal, where the signer has a place for it. */
  keep?(head: SignedHead): Promise<void>;
  /** What was kept last; `undefined` is a confirmed absence. */
  kept?(run: string): Promise<SignedHead | undefined>;
}

/** A head as its signer's word. */
export async function signHead(
  run: string,
  head: JournalHead,
  time: number,
  signer: HeadSigner,
): Promise<SignedHead> {
  const keyId = keyIdOf(createPublicKey(signer.publicKey));
  const claim = {
    spec: 'gantry-head/1' as const,
    run,
    size: head.size,
    hash: head.hash,
    time,
    keyId,
  };
  const signature = Buffer.from(await signer.sign(signedBytes(claim))).toString('base64');
  return { ...claim, signature };
}

/** Whether the head is the word of the owner of this key. */
export function isSignedBy(head: SignedHead, publicKey: string): boolean {
  const key = createPublicKey(publicKey);
  if (head.keyId !== keyIdOf(key)) return false;
  return verify(null, signedBytes(head), key, Buffer.from(head.signature, 'base64'));
}

function keyIdOf(key: KeyObject): string {
  return createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest('hex');
}

function signedBytes({
  spec,
  run,
  size,
  hash,
  time,
  keyId,
}: Omit<SignedHead, 'signature'>): Buffer {
  return Buffer.from(canonicalJson({ spec, run, size, hash, time, keyId }));
}
