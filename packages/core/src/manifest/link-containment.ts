import type { BytePath } from './byte-path.ts';

/** As many symbolic links as Linux follows in one path. */
const maxLinks = 40;

/**
 * Whether following a symbolic link could lead out of the tree that it is in, by its own target or
 * through any other link of the tree. `links` has every symbolic link: path -> target, both relative to the
 * tree's root. An absolute target leaves. A link that leads nowhere, or in a circle, stays.
 */
export function linkLeaves(links: ReadonlyMap<BytePath, BytePath>, link: BytePath): boolean {
  const at = link.split('/').slice(0, -1);
  const target = links.get(link) ?? '';
  if (target.startsWith('/')) return true;
  const pending = target.split('/').toReversed();
  for (let followed = 0; pending.length > 0;) {
    const part = pending.pop() ?? '';
    if (part === '' || part === '.') continue;
    if (part === '..') {
      if (at.pop() === undefined) return true;
      continue;
    }
    at.push(part);
    const next = links.get(at.join('/'));
    if (next === undefined) continue;
    if (next.startsWith('/')) return true;
    followed += 1;
    if (followed > maxLinks) return false;
    at.pop();
    pending.push(...next.split('/').toReversed());
  }
  return false;
}
