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

/** Who copies: the guest itself, where it is nobody else. */
interface DiskUser {
  readonly user?: string;
}

/** Writes a tar of what the guest has changed since the marker was made, apart from one directory. */
export async function packDisk(
  sandbox: Sandbox,
  marker: string,
  file: string,
  { without = '/proc', ...user }: DiskUser & { readonly without?: string } = {},
): Promise<void> {
  const command = ['/bin/bash', '-c', packScript, marker, without] as const;
  await using packing = await sandbox.spawn(command, user);
  const [complaint] = await Promise.all([
    new Response(packing.stderr).text(),
    pipeline(Readable.fromWeb(packing.stdout), createWriteStream(file, { mode: 0o600 })),
  ]);
  const exit = await packing.exit;
  if (exit.code !== 0) throw new Error(`the disk cannot be read: ${complaint}`);
}

/** Puts what `packDisk` wrote onto the disk of a fresh sandbox. */
export async function unpackDisk(
  sandbox: Sandbox,
  file: string,
  { user }: DiskUser = {},
): Promise<void> {
  // Of several users each keeps the number that it had.
  const owners = user === undefined ? [] : ['--numeric-owner'];
  const command = ['tar', '-xpf', '-', ...owners, '--overwrite', '-C', '/'] as const;
  const stdin = createReadStream(file);
  const result = await sandbox.exec(command, user === undefined ? { stdin } : { stdin, user });
  if (!result.ok) throw new Error(`the disk cannot be written: ${result.stderr.text}`);
}
