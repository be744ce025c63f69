import { path } from '../../../app/api.ts';

/** Where the bytes of a path of a sandbox are read, written and removed. */
export function filePath(sandbox: string, name: string): string {
  return `${path`/api/sandboxes/${sandbox}/files`}?path=${encodeURIComponent(name)}`;
}

/** An entry of a directory as a path. `.` is the workspace. */
export function join(directory: string, name: string): string {
  if (directory === '.') return name;
  return directory.endsWith('/') ? `${directory}${name}` : `${directory}/${name}`;
}

/** The directory that holds a directory; `undefined` at the root of the file system. */
export function parentOf(directory: string): string | undefined {
  if (directory === '/') return undefined;
  if (directory === '.') return '/';
  const cut = directory.lastIndexOf('/');
  if (cut === -1) return '.';
  return cut === 0 ? '/' : directory.slice(0, cut);
}

/** A path as the directories that lead to it, from `/` or from the workspace. */
export function trail(
  directory: string,
): readonly { readonly name: string; readonly path: string }[] {
  const isAbsolute = directory.startsWith('/');
  const start = isAbsolute ? { name: '/', path: '/' } : { name: 'workspace', path: '.' };
  const names = directory.split('/').filter((name) => name !== '' && name !== '.');
  const parts = names.map((name, at) => ({
    name,
    path: `${isAbsolute ? '/' : ''}${names.slice(0, at + 1).join('/')}`,
  }));
  return [start, ...parts];
}
