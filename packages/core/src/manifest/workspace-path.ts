/** Longest path and longest segment that Linux file systems take, in bytes. */
const maxPathBytes = 4096;
const maxSegmentBytes = 255;

/** The same rules as far as a regular expression can say them, for the published JSON Schema. */
export const workspacePathPattern: string =
  '^(?!.*[. ](?:/|$))(?!.*(?:^|/)(?:/|$))[^\\\\\\u0000-\\u001f\\u007f]+$';

/**
 * Says why a manifest path is refused, or `undefined` when it is good. A good path is relative to the
 * workspace, made of plain segments, and means the same file on every file system.
 */
export function workspacePathProblem(path: string): string | undefined {
  if (path === '') return 'the path is empty';
  if (!path.isWellFormed())
    return 'the path has half of a surrogate pair, which no file name can hold';
  if (/\p{Cc}/u.test(path)) return 'the path has a control character';
  if (path.includes('\\')) return 'the path has a backslash; separate segments with /';
  if (path.startsWith('/')) return 'the path is absolute; write it relative to the workspace';
  if (Buffer.byteLength(path) > maxPathBytes) return `the path is over ${maxPathBytes} bytes`;
  for (const segment of path.split('/')) {
    const problem = segmentProblem(segment);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function segmentProblem(segment: string): string | undefined {
  if (segment === '') return 'the path has an empty segment (// or a / at its end)';
  if (segment === '.' || segment === '..') return `the path has a ${segment} segment`;
  if (/[. ]$/.test(segment)) return 'a segment ends in a dot or a space';
  if (Buffer.byteLength(segment) > maxSegmentBytes) {
    return `a segment is over ${maxSegmentBytes} bytes`;
  }
  return undefined;
}

/**
 * The path as a file system sees it that ignores case and Unicode form: two paths with the same
 * folded form would be one file there. Upper case first, so that `ß` folds as `ss` does.
 */
export function foldWorkspacePath(path: string): string {
  return path.normalize('NFC').toUpperCase().toLowerCase().normalize('NFC');
}

/** Every proper ancestor of a path, outermost first: `a/b/c` gives `a` and `a/b`. */
export function ancestorPaths(path: string): readonly string[] {
  const segments = path.split('/');
  return segments.slice(1).map((_, index) => segments.slice(0, index + 1).join('/'));
}
