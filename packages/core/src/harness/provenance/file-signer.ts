import { createPrivateKey, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { chmod, mkdir, open, readFile, rename } from 'node:fs/promises';
import path from 'node:path';
import { SandboxError } from '../../errors/sandbox-error.ts';
import { isErrno } from '../../node/fifo.ts';
import type { SignedHead } from '../journal/journal.ts';
import { signedHeadSchema } from '../journal/signed-head.ts';
import type { HeadSigner } from './head-signer.ts';

/**
 * A signer with an Ed25519 key in a directory of this host, which must not be the journal's: `signing.key` (0600) and
 * `signing.pub`, made where they are missing. Beside them it keeps the latest head of each run, which proves a truncation.
 */
export async function fileSigner(directory: string): Promise<HeadSigner> {
  await mkdir(path.join(directory, 'heads'), { recursive: true, mode: 0o700 });
  await chmod(directory, 0o700);
  const privateKey = createPrivateKey(await readOrMake(path.join(directory, 'signing.key')));
  const publicKey = createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }).toString();
  await writeDurably(path.join(directory, 'signing.pub'), publicKey, 0o644);
  const place = (run: string): string => {
    if (/^[a-z0-9-]+$/.test(run)) return path.join(directory, 'heads', `${run}.json`);
    throw new SandboxError('invalid-argument', `${JSON.stringify(run)} is no run id`);
  };
  return {
    publicKey,
    sign: async (bytes) => sign(null, bytes, privateKey),
    keep: (head) => writeDurably(place(head.run), `${JSON.stringify(head)}\n`, 0o600),
    kept: (run) => readHead(place(run)),
  };
}

async function readHead(file: string): Promise<SignedHead | undefined> {
  const text = await read(file);
  if (text === undefined) return undefined;
  try {
    return signedHeadSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new SandboxError('data-loss', `${file} is no signed head; it was edited or damaged`, {
      operation: 'provenance.verify',
      cause,
    });
  }
}

async function readOrMake(file: string): Promise<string> {
  const known = await read(file);
  if (known !== undefined) return known;
  const { privateKey } = generateKeyPairSync('ed25519');
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  try {
    await writeDurably(file, pem, 0o600, 'wx');
    return pem;
  } catch (error) {
    // Another process made one at the same moment: its key is the key.
    const theirs = isErrno(error, 'EEXIST') ? await read(file) : undefined;
    if (theirs === undefined) throw error;
    return theirs;
  }
}

async function read(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** Whole or not at all, and on disk when it resolves. With `wx`, only where nothing is. */
async function writeDurably(
  file: string,
  text: string,
  mode: number,
  flag: 'w' | 'wx' = 'w',
): Promise<void> {
  const place = flag === 'wx' ? file : `${file}.${process.pid}.new`;
  const handle = await open(place, flag, mode);
  try {
    await handle.writeFile(text);
    await handle.datasync();
  } finally {
    await handle.close();
  }
  if (place !== file) await rename(place, file);
}
