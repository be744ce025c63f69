import { randomBytes } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { isErrno } from '../errors.ts';
import { removeTree } from '../remove-tree.ts';
import { freeUids } from '../sandbox-uid.ts';
import type { StateDirectory } from '../state-directory.ts';

// A family: layers that sandboxes share as the lower parts of their workspaces. Below `layers/FAMILY`, each layer is a
// directory in `contents`, and `users` has a file for each sandbox that needs them. All files have one uid, the family's.

/** A family without users is one that is being made, or was left by a process that died. */
const unusedAfterMs = 60_000;

/** Makes a family, and returns its id. Until a sandbox joins it, it lives for a minute. */
export function makeFamily(state: StateDirectory): string {
  const family = `family-${randomBytes(12).toString('hex')}`;
  for (const part of ['contents', 'users']) {
    mkdirSync(path.join(familyPath(state, family), part), { recursive: true, mode: 0o700 });
  }
  return family;
}

/** A name for a new layer; its directory is not made. */
export function newLayer(): string {
  return randomBytes(8).toString('hex');
}

/** Where a layer is. */
export function layerPath(state: StateDirectory, family: string, layer: string): string {
  return path.join(familyPath(state, family), 'contents', layer);
}

/** Keeps a family for as long as this sandbox is there, and for a minute in which it is made. */
export function joinFamily(state: StateDirectory, family: string, sandbox: string): void {
  writeFileSync(userFile(state, family, sandbox), '');
}

/** Lets go of a family; the last sandbox takes it along. */
export async function leaveFamily(
  state: StateDirectory,
  family: string,
  sandbox: string,
): Promise<void> {
  rmSync(userFile(state, family, sandbox), { force: true });
  if (usersOf(state, family)?.length === 0) await removeFamily(state, family);
}

/** Removes families that no sandbox needs any more. */
export async function sweepFamilies(state: StateDirectory): Promise<void> {
  for (const family of readdirSync(path.join(state.path, 'layers'))) {
    for (const sandbox of usersOf(state, family) ?? []) {
      const file = userFile(state, family, sandbox);
      const gone = !existsSync(state.sandbox(sandbox).directory);
      if (gone && isOld(file)) rmSync(file, { force: true });
    }
    const unused = usersOf(state, family)?.length === 0;
    if (unused && isOld(familyPath(state, family))) await removeFamily(state, family);
  }
}

async function removeFamily(state: StateDirectory, family: string): Promise<void> {
  const trash = path.join(state.path, 'trash', `${family}.${randomBytes(4).toString('hex')}`);
  try {
    renameSync(familyPath(state, family), trash);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return;
    throw error;
  }
  await removeTree(trash);
  freeUids(state, (owner) => owner === family);
}

function usersOf(state: StateDirectory, family: string): string[] | undefined {
  try {
    return readdirSync(path.join(familyPath(state, family), 'users'));
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}

function isOld(file: string): boolean {
  const found = statSync(file, { throwIfNoEntry: false });
  return found !== undefined && Date.now() - found.mtimeMs > unusedAfterMs;
}

function userFile(state: StateDirectory, family: string, sandbox: string): string {
  return path.join(familyPath(state, family), 'users', sandbox);
}

function familyPath(state: StateDirectory, family: string): string {
  return path.join(state.path, 'layers', family);
}
