import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Sandbox } from '@gantry/core';

/** The directories of this machine that an emulator's volumes are, until it is closed. */
export class VolumeDirectories {
  #parent: string | undefined;

  /** A new one, for whoever it is mounted for. */
  create(id: string): string {
    this.#parent ??= mkdtempSync(path.join(os.tmpdir(), 'gantry-volumes-'));
    const directory = path.join(this.#parent, id);
    mkdirSync(directory);
    // The guests of every sandbox write here, whatever user each of them is; the directory above keeps others out.
    chmodSync(directory, 0o777);
    return directory;
  }

  close(): void {
    if (this.#parent !== undefined) rmSync(this.#parent, { recursive: true, force: true });
  }
}

/** Puts what is mounted at one place where a vendor's client wants it. Returns what is in its way, or `undefined`. */
export async function linkVolume(
  sandbox: Sandbox,
  mounted: string,
  wanted: string,
  user: { readonly user?: string } = {},
): Promise<string | undefined> {
  const script = 'mkdir -p -- "$1" "${2%/*}/" && ln -sfnT -- "$1" "$2"';
  const result = await sandbox.exec(['/bin/sh', '-c', script, 'sh', mounted, wanted], user);
  return result.ok ? undefined : result.stderr.text;
}
