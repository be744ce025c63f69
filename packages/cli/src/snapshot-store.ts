import { readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { SnapshotStore } from '@gantry/core';
import { CliError } from './errors/cli-error.ts';
import type { CommonOptions } from './session.ts';

/** Options of every command that uses a store of snapshots. */
export interface StoreOptions extends CommonOptions {
  /** A directory. */
  readonly store?: string;
  /** A file that holds the key of an encrypted store. */
  readonly keyFile?: string;
}

const keyBytes = 32;

/** Where snapshots are kept when nobody says. */
export function defaultStore(): string {
  const state = process.env['XDG_STATE_HOME'] ?? path.join(os.homedir(), '.local', 'state');
  return path.join(state, 'gantry', 'snapshots');
}

/** The store that the options name. A key file holds 32 bytes, or their 64 hexadecimal digits. */
export async function openStore(options: StoreOptions): Promise<SnapshotStore> {
  const { directoryStore } = await import('@gantry/core/node');
  const store = directoryStore(options.store ?? defaultStore());
  if (options.keyFile === undefined) return store;
  const { encryptedStore } = await import('@gantry/core/snapshot');
  return encryptedStore(store, { key: readKey(options.keyFile) });
}

function readKey(file: string): Uint8Array {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (cause) {
    throw new CliError(`the key file ${file} cannot be read`, { cause });
  }
  if (bytes.length === keyBytes) return bytes;
  const text = bytes.toString('latin1').trim();
  if (/^[0-9a-f]{64}$/i.test(text)) return Buffer.from(text, 'hex');
  throw new CliError(`the key file ${file} holds neither 32 bytes nor 64 hexadecimal digits`, {
    hint: `Make one: openssl rand -hex 32 > ${file}`,
  });
}
