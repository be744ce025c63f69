import { SandboxError } from '../errors/sandbox-error.ts';
import type { BytePath } from './byte-path.ts';
import { ancestors, bytePath, compareBytePaths, pathText } from './byte-path.ts';
import { defaultDirectoryMode, fixedModifiedSeconds } from './workspace-item.ts';
import type { DirectoryItem, WorkspaceItem } from './workspace-item.ts';

/**
 * Everything that the sources put into the workspace, as one tree sorted by path, parents first;
 * directories that no source names are added. Two sources may share directories and nothing else. Sources
 * come sorted by path, so that the inner one has the last word on a directory. Refused with `failed-precondition`: two things in one
 * place, something below what is no directory, and something in a directory that its owner may not enter.
 */
export function mergeItems(
  sources: readonly { readonly path: string; readonly items: readonly WorkspaceItem[] }[],
  operation: string,
): readonly WorkspaceItem[] {
  const tree = new Map<BytePath, WorkspaceItem>();

  function refuse(path: BytePath, reason: string): never {
    throw new SandboxError('failed-precondition', `${pathText(path)} ${reason}`, {
      operation,
      details: { path: pathText(path) },
    });
  }

  for (const { path, items } of sources) {
    for (const item of items) {
      const before = tree.get(item.path);
      if (before !== undefined && (before.type !== 'directory' || item.type !== 'directory')) {
        refuse(
          item.path,
          `is put there twice, the second time by the entry ${path}; leave one of them out`,
        );
      }
      tree.set(item.path, item);
    }
  }
  // The place of an output that is a file is not made, but its parents are.
  const places = sources.map(({ path }) => bytePath(path));
  for (const path of new Set([...tree.keys(), ...places])) {
    for (const parent of ancestors(path)) {
      const item = tree.get(parent) ?? addImplied(tree, parent);
      if (item.type !== 'directory')
        refuse(path, `is below ${pathText(parent)}, which is no directory`);
      if ((item.mode & 0o100) === 0) {
        refuse(
          path,
          `is in ${pathText(parent)}, whose mode keeps its owner out; give that mode u+x`,
        );
      }
    }
  }
  return [...tree.values()].toSorted((left, right) => compareBytePaths(left.path, right.path));
}

function addImplied(tree: Map<BytePath, WorkspaceItem>, path: BytePath): DirectoryItem {
  const modifiedSeconds = fixedModifiedSeconds;
  const item = { type: 'directory', path, mode: defaultDirectoryMode, modifiedSeconds } as const;
  tree.set(path, item);
  return item;
}
