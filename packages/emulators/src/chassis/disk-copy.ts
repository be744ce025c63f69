import { createReadStream, createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Sandbox } from '@gantry/core';

/** Everything that is newer than the marker, apart from what is in memory or the kernel's. */
const packScript = `
set -o pipefail
changed() {
  find / /usr /workspace -xdev -mindepth 1 \\( -path /proc -o -path /sys -o -path /dev -o -path /tmp -o -path /run -o -path "$1" \\) -prune \\
    -o -cnewer "$0" -print0 2>/dev/null || : # What the guest may not look at it has not changed.
}
changed "$1" | LC_ALL=C sort -zu | tar --null --no-recursion -cpf - -C / -T -
`;

/** Writes a tar of what the guest has changed since the marker was made, apart from one directory. */
export async function packDisk(
  sandbox: Sandbox,
  marker: string,
  file: string,
  without = '/proc',
): Promise<void> {
  await using packing = await sandbox.spawn(['/bin/bash', '-c', packScript, marker, without]);
  const [complaint] = await Promise.all([
    new Response(packing.stderr).text(),
    pipeline(Readable.fromWeb(packing.stdout), createWriteStream(file, { mode: 0o600 })),
  ]);
  const exit = await packing.exit;
  if (exit.code !== 0) throw new Error(`the disk cannot be read: ${complaint}`);
}

/** Puts what `packDisk` wrote onto the disk of a fresh sandbox. */
export async function unpackDisk(sandbox: Sandbox, file: string): Promise<void> {
  const command = ['tar', '-xpf', '-', '--overwrite', '-C', '/'] as const;
  const result = await sandbox.exec(command, { stdin: createReadStream(file) });
  if (!result.ok) throw new Error(`the disk cannot be written: ${result.stderr.text}`);
}
