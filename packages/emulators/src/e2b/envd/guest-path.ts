import { guestHome } from '../e2b-sandbox.ts';

/** The absolute path that envd means: relative ones, `~` and the empty one start at the user's home. */
export function guestPath(path: string): string {
  if (path === '' || path === '~') return guestHome;
  if (path.startsWith('~/')) return `${guestHome}/${path.slice(2)}`;
  return path.startsWith('/') ? path : `${guestHome}/${path}`;
}
