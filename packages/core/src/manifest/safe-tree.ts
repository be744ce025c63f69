import { SandboxError } from '../errors/sandbox-error.ts';
import type { BytePath } from './byte-path.ts';
import { ancestors, bytePath, pathText } from './byte-path.ts';
import { linkLeaves } from './link-containment.ts';
import type { TarHeader, TarType } from './tar-types.ts';

/** Where one entry of a tar file may go. */
interface PlacedEntry {
  /** Clean path below the tree's root; '' is the root itself. */
  readonly path: BytePath;
  /** Parent directories that the tar file has not named before, outermost first. */
  readonly impliedDirectories: readonly BytePath[];
  /** Hard links: clean path of the file that has the contents. */
  readonly linkedTo?: BytePath;
}

/** A tree that grows from a tar file that may be hostile. */
export interface SafeTree {
  /**
   * Refuses with `failed-precondition`, naming the entry, what would lead out of the root, go through
   * anything but a directory, or put a second thing in one place.
   */
  add(header: TarHeader): PlacedEntry;
  /** After the last entry: refuses symbolic links that lead out, also through one another. */
  checkLinks(): void;
}

/**
 * An empty tree. `what` names the tar file in errors; a `fileRoot` may be one single file; with `laterModes` a directory may come
 * again, as in the layers of images, where its last mode counts.
 */
export function safeTree(
  what: string,
  operation: string,
  options: { readonly fileRoot: boolean; readonly laterModes?: boolean },
): SafeTree {
  const types = new Map<BytePath, TarType | 'implied'>();
  const links = new Map<BytePath, BytePath>();

  function refuse(name: Uint8Array, reason: string): never {
    const path = pathText(bytePath(name));
    throw new SandboxError('failed-precondition', `${what}: ${path} ${reason}`, {
      operation,
      details: { path },
    });
  }

  function clean(name: Uint8Array, whole: TarHeader): BytePath {
    const path = bytePath(name);
    if (path.startsWith('/')) refuse(whole.path, 'has an absolute name, which is refused');
    const parts = path.split('/').filter((part) => part !== '' && part !== '.');
    if (parts.includes('..')) refuse(whole.path, 'has a name with .., which is refused');
    if (path.length > 4096 || parts.some((part) => part.length > 255)) {
      refuse(whole.path, 'has a name longer than file systems take');
    }
    return parts.join('/');
  }

  function implyParents(path: BytePath, header: TarHeader): readonly BytePath[] {
    const implied: BytePath[] = [];
    for (const parent of path === '' ? [] : ['', ...ancestors(path)]) {
      const type = types.get(parent);
      if (type === undefined) {
        types.set(parent, 'implied');
        implied.push(parent);
      } else if (type !== 'directory' && type !== 'implied') {
        refuse(header.path, `goes through ${pathText(parent)}, which is no directory`);
      }
    }
    return implied;
  }

  return {
    add(header) {
      const path = clean(header.path, header);
      const before = types.get(path);
      const isDirectory = before === 'implied' || (options.laterModes && before === 'directory');
      if (before !== undefined && !(isDirectory && header.type === 'directory')) {
        refuse(header.path, 'is there twice, which is refused');
      }
      if (
        path === '' &&
        header.type !== 'directory' &&
        !(options.fileRoot && header.type === 'file')
      ) {
        refuse(header.path, 'stands for the whole tree and is no directory');
      }
      const impliedDirectories = implyParents(path, header);
      if (header.type !== 'hardlink') types.set(path, header.type);
      if (header.type === 'symlink')
        links.set(path, bytePath(header.linkTarget ?? new Uint8Array(0)));
      if (header.type !== 'hardlink') return { path, impliedDirectories };
      const linkedTo = clean(header.linkTarget ?? new Uint8Array(0), header);
      if (types.get(linkedTo) !== 'file') {
        refuse(header.path, `is a hard link to ${pathText(linkedTo)}, which is no file before it`);
      }
      // One more name of a file is a file: a later hard link may name it.
      types.set(path, 'file');
      return { path, impliedDirectories, linkedTo };
    },
    checkLinks() {
      for (const [link, target] of links) {
        if (linkLeaves(links, link)) {
          refuse(
            Buffer.from(link, 'latin1'),
            `is a symbolic link that leads out (to ${pathText(target)})`,
          );
        }
      }
    },
  };
}
