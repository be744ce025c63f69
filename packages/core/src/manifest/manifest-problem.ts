/** One thing that is wrong with a manifest, and where in it. */
export interface ManifestProblem {
  /** Keys and indexes from the root of the document. */
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** A place in a manifest as people write it: `entries["src/a.txt"].mode`, or `manifest` for the root. */
export function formatManifestPath(path: readonly (string | number)[]): string {
  const text = path
    .map((part) => {
      if (typeof part === 'number') return `[${part}]`;
      return /^[A-Za-z_][A-Za-z0-9_]*$/.test(part) ? `.${part}` : `[${JSON.stringify(part)}]`;
    })
    .join('')
    .replace(/^\./, '');
  return text === '' ? 'manifest' : text;
}
