import { readFile, stat } from 'node:fs/promises';
import type { Document } from 'yaml';
import { LineCounter, isScalar, parseDocument } from 'yaml';
import type { Manifest } from '../contract/manifest-types.ts';
import { SandboxError } from '../errors/sandbox-error.ts';
import { hostError } from './host-error.ts';
import type { ManifestProblem } from './manifest-problem.ts';
import { formatManifestPath } from './manifest-problem.ts';
import { offsetOfPath, pathAtOffset } from './manifest-position.ts';
import { checkManifest } from './parse-manifest.ts';

const operation = 'loadManifest';

/** A larger file is surely no manifest: inline files are for small things. */
const maxFileBytes = 64 * 1024 * 1024;

interface PlacedProblem extends ManifestProblem {
  readonly offset: number;
}

/**
 * Reads a manifest from a YAML 1.2 or JSON file. What is wrong with it, from a syntax error or a
 * duplicate key to a bad value, is one `invalid-argument` error with a line for each problem:
 * `file:line:column: path: message`. Relative sources start at the file's directory only if that is
 * given as `baseDirectory` where the manifest is used.
 */
export async function loadManifest(file: string): Promise<Manifest> {
  const text = await readText(file);
  const lineCounter = new LineCounter();
  const document = parseDocument(text, {
    lineCounter,
    // Compared as text, since `1` and "1" are one key of a manifest.
    uniqueKeys: (left, right) =>
      isScalar(left) && isScalar(right) && String(left.value) === String(right.value),
    prettyErrors: false,
  });
  const syntax = [...document.errors, ...document.warnings].map(({ pos: [offset], message }) => ({
    offset,
    path: pathAtOffset(document, offset),
    message,
  }));
  if (syntax.length > 0) throw refusal(file, lineCounter, syntax);
  const { manifest, problems } = checkManifest(toValue(file, lineCounter, document));
  if (manifest !== undefined) return manifest;
  const placed = problems.map((problem) => ({
    ...problem,
    offset: offsetOfPath(document, problem.path),
  }));
  throw refusal(file, lineCounter, placed);
}

async function readText(file: string): Promise<string> {
  try {
    const { size } = await stat(file);
    if (size > maxFileBytes) {
      throw new SandboxError(
        'invalid-argument',
        `${file} is ${size} bytes, too large for a manifest`,
        {
          operation,
        },
      );
    }
    return new TextDecoder('utf-8', { fatal: true }).decode(await readFile(file));
  } catch (error) {
    if (error instanceof TypeError) {
      throw new SandboxError('invalid-argument', `${file} is not UTF-8 text`, {
        operation,
        cause: error,
      });
    }
    throw hostError(error, operation, file);
  }
}

/** Plain data of the document. Aliases that would grow without end are refused by the library. */
function toValue(file: string, lineCounter: LineCounter, document: Document): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw refusal(file, lineCounter, [{ offset: 0, path: [], message }], cause);
  }
}

function refusal(
  file: string,
  lineCounter: LineCounter,
  problems: readonly PlacedProblem[],
  cause?: unknown,
): SandboxError {
  const placed = problems
    .toSorted((left, right) => left.offset - right.offset)
    .map(({ offset, path, message }) => {
      const { line, col } = lineCounter.linePos(offset);
      // An empty file has no line at all; its problem is at the start.
      return { line: Math.max(line, 1), column: Math.max(col, 1), path, message };
    });
  const lines = placed.map(
    ({ line, column, path, message }) =>
      `${file}:${line}:${column}: ${formatManifestPath(path)}: ${message}`,
  );
  return new SandboxError('invalid-argument', `the manifest is refused:\n${lines.join('\n')}`, {
    operation,
    details: { file, problems: placed },
    ...(cause === undefined ? {} : { cause }),
  });
}
