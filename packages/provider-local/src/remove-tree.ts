import { Buffer } from 'node:buffer';
import { lstatSync, readdirSync, rmdirSync, unlinkSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { SandboxError } from '@gantry/core/driver';
import { hostProcess } from '@gantry/core/node';
import { openWorkDirectories } from './copy-on-write/overlay.ts';
import { isErrno } from './errors.ts';

/** A tree with more entries than this is left to rm(1), so that this process does other things meanwhile. */
const mostAtOnce = 300;

/** Removes a directory that nobody works in any more. Never follows a link. Names may be any bytes. */
export async function removeTree(directory: string): Promise<void> {
  if (!lstatSync(directory, { throwIfNoEntry: false })?.isDirectory()) {
    return rm(directory, { force: true });
  }
  openWorkDirectories(directory);
  if (removeSmall(Buffer.from(directory), { left: mostAtOnce })) return;
  const first = await hostProcess.runProgram(['rm', '-rf', '--', directory]);
  if (first.code === 0) return;
  // Without rm(1) there was no sandbox either, so no names but our own.
  if (first.code === null) return rm(directory, { recursive: true, force: true });
  // An ordinary user cannot look into directories that a guest has closed.
  await hostProcess.runProgram(['chmod', '-R', 'u+rwX', '--', directory]);
  const second = await hostProcess.runProgram(['rm', '-rf', '--', directory]);
  if (second.code === 0) return;
  throw new SandboxError('unavailable', `${directory} could not be removed: ${second.output}`, {
    details: { directory },
  });
}

/** Removes a tree in place, as far as the budget goes; true when it is gone. A process costs more. */
function removeSmall(directory: Buffer, budget: { left: number }): boolean {
  try {
    for (const name of readdirSync(directory, { encoding: 'buffer' })) {
      if (--budget.left < 0) return false;
      const entry = Buffer.concat([directory, Buffer.from('/'), name]);
      if (!lstatSync(entry).isDirectory()) unlinkSync(entry);
      else if (!removeSmall(entry, budget)) return false;
    }
    rmdirSync(directory);
    return true;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return true;
    // rm(1) says what is in the way.
    return false;
  }
}
