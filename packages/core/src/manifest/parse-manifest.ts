import type { z } from 'zod';
import type { Manifest } from '../contract/manifest-types.ts';
import { SandboxError } from '../errors/sandbox-error.ts';
import { entryPathProblems } from './entry-collisions.ts';
import type { ManifestProblem } from './manifest-problem.ts';
import { formatManifestPath } from './manifest-problem.ts';
import { manifestSchema } from './manifest-schema.ts';

/**
 * Checks an untrusted value and returns it as a manifest. Throws one `invalid-argument` error that
 * lists every problem with its place; `details.problems` has them as data.
 */
export function parseManifest(value: unknown): Manifest {
  const { manifest, problems } = checkManifest(value);
  if (manifest !== undefined) return manifest;
  const lines = problems.map(({ path, message }) => `${formatManifestPath(path)}: ${message}`);
  throw new SandboxError('invalid-argument', `the manifest is refused:\n  ${lines.join('\n  ')}`, {
    operation: 'parseManifest',
    details: { problems: problems.map((problem) => ({ ...problem })) },
  });
}

/** The manifest, or everything that is wrong with the value, in the order of the document. */
export function checkManifest(
  value: unknown,
):
  | { readonly manifest: Manifest; readonly problems: readonly [] }
  | { readonly manifest?: never; readonly problems: readonly ManifestProblem[] } {
  const result = manifestSchema.safeParse(value, { reportInput: true });
  const problems = [
    ...prototypeProblems(value, []),
    ...(result.success ? [] : result.error.issues.flatMap((issue) => flatten(issue, []))),
    ...entryPathProblems(entriesOf(value)),
  ];
  return result.success && problems.length === 0
    ? { manifest: result.data, problems: [] }
    : { problems };
}

/** Validation drops a key named `__proto__` without a word, so it is looked for first. */
function prototypeProblems(value: unknown, path: (string | number)[]): ManifestProblem[] {
  if (typeof value !== 'object' || value === null || path.length > 4) return [];
  return Object.keys(value).flatMap((key) =>
    key === '__proto__'
      ? [{ path: [...path, key], message: 'nothing can be named __proto__' }]
      : prototypeProblems(Reflect.get(value, key), [...path, key]),
  );
}

function flatten(issue: z.core.$ZodIssue, base: readonly (string | number)[]): ManifestProblem[] {
  const path = [
    ...base,
    ...issue.path.map((part) => (typeof part === 'number' ? part : String(part))),
  ];
  if (issue.code === 'unrecognized_keys') {
    const keys = issue.keys.filter((key) => key !== '__proto__');
    return keys.map((key) => ({ path: [...path, key], message: 'unknown key' }));
  }
  if (issue.code === 'invalid_key') {
    // A bad path among the entries is told by `entryPathProblems`, in its own words.
    if (path[0] === 'entries') return [];
    return issue.issues.map(({ message }) => ({ path, message }));
  }
  const missing = issue.code === 'invalid_type' && issue.input === undefined;
  return [{ path, message: missing ? `is missing; ${issue.message}` : issue.message }];
}

function entriesOf(value: unknown): Readonly<Record<string, unknown>> {
  const entries: unknown =
    typeof value === 'object' && value !== null ? Reflect.get(value, 'entries') : undefined;
  if (typeof entries !== 'object' || entries === null || Array.isArray(entries)) return {};
  return Object.fromEntries(Object.entries(entries).filter(([path]) => path !== '__proto__'));
}
