import { createReadStream, createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Sandbox } from '@gantry/core';
import { ApiError, unsupported } from './api-error.ts';
import { type E2bSandbox, newId, preparedMarker } from './e2b-sandbox.ts';

/** What was on the disk of a sandbox at one moment, and the environment that it had. */
export interface StoredSnapshot {
  readonly id: string;
  readonly names: readonly string[];
  readonly sandboxId: string;
  readonly envVars: Readonly<Record<string, string>>;
  /** A tar of what the guest has changed since its sandbox was made. */
  readonly file: string;
}

/** Everything that is newer than the sandbox itself, apart from what is in memory or the kernel's. */
const packScript = `
set -o pipefail
changed() {
  find / /usr /workspace -xdev -mindepth 1 \\( -path /proc -o -path /sys -o -path /dev -o -path /tmp -o -path /run \\) -prune \\
    -o -cnewer ${preparedMarker} -print0 2>/dev/null || : # What the guest may not look at it has not changed.
}
changed | LC_ALL=C sort -zu | tar --null --no-recursion -cpf - -C / -T -
`;

/** The snapshots of one emulator, on this machine's disk until it is closed. */
export class Snapshots {
  readonly #snapshots = new Map<string, StoredSnapshot>();
  #directory: string | undefined;

  /**
   * Keeps what is on the sandbox's disk. The vendor keeps its memory too: where something runs whose memory
   * would be lost, that is refused.
   */
  async take(
    { id: sandboxId, sandbox, details }: E2bSandbox,
    name?: string,
  ): Promise<StoredSnapshot> {
    if (details.processes.list().length > 0) {
      throw unsupported('processes run, and no provider here can copy their memory');
    }
    const template = newId();
    const id = name === undefined ? `${template}:default` : `emulator/${name}:default`;
    this.#directory ??= mkdtempSync(path.join(os.tmpdir(), 'gantry-snapshots-'));
    const file = path.join(this.#directory, `${template}.tar`);
    await pack(sandbox, file);
    const names = name === undefined ? [] : [id];
    const snapshot = { id, names, sandboxId, file, envVars: details.request.envVars ?? {} };
    this.#snapshots.set(id, snapshot);
    return snapshot;
  }

  get(id: string): StoredSnapshot | undefined {
    return this.#snapshots.get(id) ?? this.#snapshots.get(`${id}:default`);
  }

  /** Oldest first; of one sandbox, or by one name, where that is asked for. */
  list(sandboxId: string | undefined, name: string | undefined): readonly StoredSnapshot[] {
    return [...this.#snapshots.values()].filter(
      (snapshot) =>
        (sandboxId === undefined || snapshot.sandboxId === sandboxId) &&
        (name === undefined || snapshot.id === name || snapshot.id === `emulator/${name}:default`),
    );
  }

  /** Throws the vendor's 404. */
  remove(id: string): void {
    const found = this.get(id);
    if (!found) throw new ApiError(404, `template '${id}' not found`);
    this.#snapshots.delete(found.id);
    rmSync(found.file);
  }

  close(): void {
    if (this.#directory !== undefined) rmSync(this.#directory, { recursive: true, force: true });
  }
}

async function pack(sandbox: Sandbox, file: string): Promise<void> {
  await using packing = await sandbox.spawn(['/bin/bash', '-c', packScript]);
  const [complaint] = await Promise.all([
    new Response(packing.stderr).text(),
    pipeline(Readable.fromWeb(packing.stdout), createWriteStream(file, { mode: 0o600 })),
  ]);
  const exit = await packing.exit;
  if (exit.code !== 0) throw new ApiError(500, `the disk cannot be read: ${complaint}`);
}

/** Puts what a snapshot keeps onto the disk of a fresh sandbox. */
export async function unpack(sandbox: Sandbox, { file }: StoredSnapshot): Promise<void> {
  const command = ['tar', '-xpf', '-', '--overwrite', '-C', '/'] as const;
  const result = await sandbox.exec(command, { stdin: createReadStream(file) });
  if (!result.ok) throw new ApiError(500, `the disk cannot be written: ${result.stderr.text}`);
}
