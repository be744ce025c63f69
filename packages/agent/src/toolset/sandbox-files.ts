import { type ExecResult, type RestrictedSandbox, SandboxError } from '@gantry/core';
import { ToolFailure } from './tool-failure.ts';
import { workspaceRoot } from './workspace-paths.ts';

/** Directories that are not looked into. */
export const skippedDirectories: readonly string[] = ['.git', 'node_modules'];

const searchMs = 120_000;
const listingBytes = 8 * 1024 * 1024;

/** Arguments of `find` that select regular files at or below a place, relative to the workspace, and skip what nobody wants. */
export function findArguments(shown: string): readonly [string, ...string[]] {
  const names = skippedDirectories.flatMap((name) => ['-o', '-name', name]).slice(1);
  const start = shown === '.' ? '.' : `./${shown}`;
  // Where the search starts in such a directory, it was asked for.
  return [
    'find',
    start,
    '-mindepth',
    '1',
    '-type',
    'd',
    '(',
    ...names,
    ')',
    '-prune',
    '-o',
    '-type',
    'f',
  ];
}

/** Runs a search in the workspace. One that takes too long is for the model to narrow. */
export async function runSearch(
  sandbox: RestrictedSandbox,
  command: readonly [string, ...string[]],
  signal: AbortSignal | undefined,
  maxOutputBytes: number,
): Promise<ExecResult> {
  try {
    return await sandbox.exec(command, {
      cwd: workspaceRoot,
      env: { LC_ALL: 'C.UTF-8' },
      timeoutMs: searchMs,
      maxOutputBytes,
      ...(signal ? { signal } : {}),
    });
  } catch (cause) {
    if (!SandboxError.is(cause) || cause.code !== 'deadline-exceeded') throw cause;
    throw new ToolFailure('The search took too long. Search in a directory further down.', {
      cause,
    });
  }
}

/** The files at or below a place, relative to the workspace, sorted; `complete` is false where there are more than can be told. */
export async function listFilesBelow(
  sandbox: RestrictedSandbox,
  shown: string,
  signal: AbortSignal | undefined,
): Promise<{ readonly names: readonly string[]; readonly complete: boolean }> {
  const command = [...findArguments(shown), '-print0'] as const;
  const found = await runSearch(sandbox, command, signal, listingBytes);
  const names = found.stdout.text.split('\0');
  // The last is empty, or was cut off.
  names.pop();
  return {
    names: names.map((name) => name.replace(/^\.\//, '')).toSorted(),
    complete: !found.stdout.truncated,
  };
}
