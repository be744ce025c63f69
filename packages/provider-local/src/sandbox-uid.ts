import { randomInt } from 'node:crypto';
import { readdirSync, readFileSync, readlinkSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { SandboxError } from '@gantry/core/driver';
import { isErrno } from './errors.ts';
import type { StateDirectory } from './state-directory.ts';

/** The uids that sandboxes of root's run under. */
export interface UidRange {
  readonly first: number;
  readonly count: number;
}

/**
 * From 0x70000000 on systemd and the distributions give nothing out (systemd's UIDS-GIDS document).
 * In a user namespace that does not map them, the highest that it does map.
 */
export function uidRange(uidMap: string): UidRange {
  const preferred = { first: 0x70000000, count: 0x10000 };
  const mapped = uidMap
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .map(([first = 0, , count = 0]) => ({ first, count }));
  if (
    mapped.some(
      ({ first, count }) =>
        first <= preferred.first && first + count >= preferred.first + preferred.count,
    )
  ) {
    return preferred;
  }
  const highest = mapped.toSorted((a, b) => b.first + b.count - (a.first + a.count))[0];
  const count = Math.min(4096, (highest?.count ?? 0) - 1024);
  if (!highest || count < 1) {
    throw new SandboxError(
      'failed-precondition',
      'this user namespace maps too few uids to give a sandbox one of its own; map at least 2048 (see /proc/self/uid_map)',
    );
  }
  return { first: highest.first + highest.count - count, count };
}

let ownRange: UidRange | undefined;

/** Reserves a uid that no other sandbox of this state directory has. The caller frees it. */
export function reserveUid(state: StateDirectory, id: string): number {
  const { first, count } = (ownRange ??= uidRange(readFileSync('/proc/self/uid_map', 'utf8')));
  for (let attempt = 0; attempt < 1_000; attempt += 1) {
    const uid = first + randomInt(count);
    try {
      // A link that says whose it is comes into being at once, or not at all where one is there.
      symlinkSync(id, path.join(state.path, 'uids', String(uid)));
      return uid;
    } catch (error) {
      if (!isErrno(error, 'EEXIST')) throw error;
    }
  }
  throw new SandboxError(
    'resource-exhausted',
    `no free uid among ${count}: destroy sandboxes that are not needed`,
    { outcome: 'not-started' },
  );
}

/** Hands a reserved uid on to another holder, at once. */
export function adoptUid(state: StateDirectory, uid: number, id: string): void {
  const fresh = path.join(state.path, 'spares', `${id}-uid`);
  symlinkSync(id, fresh);
  renameSync(fresh, path.join(state.path, 'uids', String(uid)));
}

/** Frees every uid whose sandbox is gone, as `gone` says of its id. */
export function freeUids(state: StateDirectory, gone: (id: string) => boolean): void {
  let uids: string[];
  try {
    uids = readdirSync(path.join(state.path, 'uids'));
  } catch (error) {
    // The whole state directory was removed meanwhile.
    if (isErrno(error, 'ENOENT')) return;
    throw error;
  }
  for (const name of uids) freeUid(state, name, gone);
}

/** Frees one uid if its sandbox is gone: by now it may belong to another one. */
export function freeUid(
  state: StateDirectory,
  uid: number | string,
  gone: (id: string) => boolean,
): void {
  const file = path.join(state.path, 'uids', String(uid));
  try {
    if (gone(readlinkSync(file))) rmSync(file, { force: true });
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error;
  }
}
