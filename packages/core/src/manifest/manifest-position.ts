import { isAlias, isCollection, isMap, isPair, isScalar, isSeq } from 'yaml';
import type { Document, Node } from 'yaml';

type ManifestPath = readonly (string | number)[];

/** Where in the text the key (or list item) at a manifest path starts; where it would be if it is missing. */
export function offsetOfPath(document: Document, path: ManifestPath): number {
  let node: unknown = document.contents;
  let offset = startOf(node) ?? 0;
  for (const part of path) {
    const target: unknown = isAlias(node) ? node.resolve(document) : node;
    if (isMap(target)) {
      const pair = target.items.find(({ key }) => keyText(key) === String(part));
      if (pair === undefined) return offset;
      offset = startOf(pair.key) ?? offset;
      node = pair.value;
    } else if (isSeq(target) && typeof part === 'number') {
      node = target.items[part];
      offset = startOf(node) ?? offset;
    } else {
      return offset;
    }
  }
  return offset;
}

/** The manifest path of the innermost value that an offset of the text is in. */
export function pathAtOffset(document: Document, offset: number): (string | number)[] {
  const path: (string | number)[] = [];
  let node: unknown = document.contents;
  while (isCollection(node)) {
    const index = lastStartingBefore(node.items, offset);
    const item: unknown = node.items[index];
    if (item === undefined) break;
    path.push(isPair(item) ? (keyText(item.key) ?? '') : index);
    node = isPair(item) ? item.value : item;
  }
  return path;
}

/** The index of the last item that starts at or before the offset; -1 for none. */
function lastStartingBefore(items: readonly unknown[], offset: number): number {
  return items.findLastIndex((item) => {
    const start = startOf(isPair(item) ? item.key : item);
    return start !== undefined && start <= offset;
  });
}

function keyText(key: unknown): string | undefined {
  return isScalar(key) ? String(key.value) : undefined;
}

function startOf(node: unknown): number | undefined {
  return isNodeWithRange(node) ? (node.range?.[0] ?? undefined) : undefined;
}

function isNodeWithRange(node: unknown): node is Node {
  return isScalar(node) || isCollection(node) || isAlias(node);
}
