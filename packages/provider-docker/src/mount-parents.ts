import path from 'node:path';
import type { MountRequest } from '@gantry/core/driver';

/**
 * The directories between the workspace and the mounts in it, relative to the workspace, outermost first: left to
 * the daemon, they would be root's.
 */
export function mountParents(mounts: readonly MountRequest[]): readonly string[] {
  const targets = mounts.map(({ target }) => target);
  const parents = targets.flatMap((target) => {
    const found: string[] = [];
    let parent = path.posix.dirname(target);
    for (; parent.startsWith('/workspace/'); parent = path.posix.dirname(parent))
      found.push(parent);
    return found;
  });
  // What is in another mount is the host's, and stays as it is.
  const isMounted = (place: string): boolean =>
    targets.some((target) => place === target || place.startsWith(`${target}/`));
  return [...new Set(parents)]
    .filter((parent) => !isMounted(parent))
    .map((parent) => parent.slice('/workspace/'.length))
    .toSorted((a, b) => a.length - b.length);
}
