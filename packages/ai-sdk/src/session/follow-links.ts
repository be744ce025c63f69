import path from 'node:path';
import { type Files, type FileStat, type OperationOptions, SandboxError } from '@gantry/core';

const mostLinks = 40;

/** What is at the end of a path's symbolic links. `not-found` for a link that leads nowhere. */
export async function statFollowed(
  files: Files,
  given: string,
  options: OperationOptions,
): Promise<FileStat> {
  let place = Buffer.from(given);
  for (let links = 0; links <= mostLinks; links++) {
    const stat = await files.stat(place, options); // Each look depends on the one before.
    if (stat.type !== 'symlink' || stat.target === undefined) return stat;
    // Not tidied: `..` behind a linked directory is the sandbox's to resolve. latin1 keeps every byte.
    const parent = path.posix.dirname(place.toString('latin1'));
    const target = Buffer.from(stat.target);
    const isAbsolute = target[0] === '/'.charCodeAt(0);
    place = isAbsolute ? target : Buffer.concat([Buffer.from(`${parent}/`, 'latin1'), target]);
  }
  throw new SandboxError('failed-precondition', `${given} has too many symbolic links`);
}
