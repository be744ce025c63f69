import type { MemoryFiles } from './memory-document.ts';

/** Forms of credentials that can be told without knowing them. */
const credentials: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[^]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g, 'private-key'],
  [/\b(?:sk|pk|rk)-[\w-]{16,}/g, 'api-key'],
  [/\b(?:ghp|gho|ghu|ghs|ghr|github_pat)_\w{20,}/g, 'github-token'],
  [/\bglpat-[\w-]{20,}/g, 'gitlab-token'],
  [/\bxox[abeoprs]-[\w-]{10,}/g, 'slack-token'],
  [/\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g, 'aws-key'],
  [/\bAIza[\w-]{35}\b/g, 'google-key'],
  [/\beyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]{10,}/g, 'token'],
  [/(?<=:\/\/[^\s:/@]{1,100}:)[^\s:/@]{3,}(?=@)/g, 'password'],
  [/(?<=\bauthorization:\s*(?:bearer|basic)\s+)\S{8,}/gi, 'authorization'],
];

/** Takes out what has the form of a credential. Secrets that the harness knows are out already: no step's result has them. */
export function withoutCredentials(files: MemoryFiles): MemoryFiles {
  const clean = (text: string): string =>
    credentials.reduce(
      (result, [form, name]) => result.replaceAll(form, `[redacted:${name}]`),
      text,
    );
  return Object.fromEntries(
    Object.entries(files).map(([path, text]) => [clean(path), clean(text)]),
  );
}

/** Bytes that files take. */
export function sizeOf(files: MemoryFiles): number {
  return Object.entries(files).reduce(
    (sum, [path, text]) => sum + Buffer.byteLength(path) + Buffer.byteLength(text),
    0,
  );
}

const cutMark = '\n[cut: the memory was full]\n';

/** Files within a size: the largest is cut at its end, again and again; the index goes last. */
export function cutToSize(files: MemoryFiles, mostBytes: number): MemoryFiles {
  const kept: Record<string, string> = { ...files };
  for (;;) {
    const over = sizeOf(kept) - mostBytes;
    if (over <= 0) return kept;
    const [largest] = Object.keys(kept).toSorted(
      (left, right) => rank(kept, right) - rank(kept, left),
    );
    if (largest === undefined) return kept;
    const bytes = Buffer.from(kept[largest]?.replace(cutMark, '') ?? '');
    const room = bytes.length - over - Buffer.byteLength(cutMark);
    if (room <= 0) delete kept[largest];
    else
      kept[largest] =
        bytes
          .subarray(0, room)
          .toString()
          .replace(/\uFFFD+$/, '') + cutMark;
  }
}

function rank(files: MemoryFiles, path: string): number {
  return path === indexName ? 0 : 1 + Buffer.byteLength(files[path] ?? '');
}

/** The file that a model sees without asking. */
export const indexName = 'MEMORY.md';
