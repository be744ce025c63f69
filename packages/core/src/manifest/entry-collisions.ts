import type { ManifestProblem } from './manifest-problem.ts';
import { ancestorPaths, foldWorkspacePath, workspacePathProblem } from './workspace-path.ts';

/** Entries that are one file, or that another party fills: nothing of ours can be below them. */
const closedTypes: ReadonlySet<unknown> = new Set([
  'file',
  'localFile',
  'hostMount',
  's3',
  'gcs',
  'r2',
  'azureBlob',
]);

/**
 * What is wrong with the paths of `entries` as a whole: a bad path, two that are one file where case
 * or Unicode form is ignored, and an entry below one that cannot hold it. Takes any object, so that
 * these problems are told together with those of the values.
 */
export function entryPathProblems(entries: Readonly<Record<string, unknown>>): ManifestProblem[] {
  const problems: ManifestProblem[] = [];
  const spelling = new Map<string, string>();
  for (const path of Object.keys(entries)) {
    const report = (message: string): number => problems.push({ path: ['entries', path], message });
    const problem = workspacePathProblem(path);
    if (problem !== undefined) {
      report(problem);
      continue;
    }
    for (const part of [...ancestorPaths(path), path]) {
      const folded = foldWorkspacePath(part);
      const first = spelling.get(folded) ?? part;
      spelling.set(folded, first);
      if (first !== part) {
        report(`${quote(part)} and ${quote(first)} differ only by case or Unicode form`);
        break;
      }
    }
    const holder = ancestorPaths(path).find((parent) => isClosed(entries, parent));
    if (holder !== undefined) {
      report(`nothing can be below ${quote(holder)}, which is a ${describe(entries[holder])}`);
    }
  }
  return problems;
}

function isClosed(entries: Readonly<Record<string, unknown>>, path: string): boolean {
  if (!Object.hasOwn(entries, path)) return false;
  const entry = field(entries[path], 'type');
  return closedTypes.has(entry) || (entry === 'output' && field(entries[path], 'kind') === 'file');
}

function describe(entry: unknown): string {
  const type = field(entry, 'type');
  return type === 'output' ? 'file output' : String(type);
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

function quote(text: string): string {
  return JSON.stringify(text);
}
