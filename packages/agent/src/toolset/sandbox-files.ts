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
    const result = await sandbox.exec(command, {
      cwd: workspaceRoot,
      env: { LC_ALL: 'C.UTF-8' },
      timeoutMs: searchMs,
      maxOutputBytes,
      ...(signal ? { signal } : {}),
    });
    // Nothing found must not be said where nothing was looked at.
    const missing = result.exit.code === 126 || result.exit.code === 127;
    if (!missing) return result;
    throw new ToolFailure(`The sandbox has no program ${command[0]} that runs; use the shell.`);
  } catch (cause) {
    if (!SandboxError.is(cause) || cause.code !== 'deadline-exceeded') throw cause;
    throw new ToolFailure('The search took too long. Search in a directory further down.', {
      cause,
    });
  }
}

/** What a search said beside what it found, as a line of an answer; empty where it said nothing. */
export function complaintOf({ stderr }: ExecResult): string {
  const said = stderr.text.trim().slice(0, 500);
  return said === '' ? '' : `\n[the search complained: ${said}]`;
}

/** Files, relative to the workspace, sorted. */
interface FoundFiles {
  readonly names: readonly string[];
  /** False: there are more than can be told. */
  readonly complete: boolean;
  readonly complaint: string;
}

/** The files at or below a place. */
export async function listFilesBelow(
  sandbox: RestrictedSandbox,
  shown: string,
  signal: AbortSignal | undefined,
): Promise<FoundFiles> {
  const command = [...findArguments(shown), '-print0'] as const;
  const found = await runSearch(sandbox, command, signal, listingBytes);
  const names = found.stdout.text.split('\0');
  // The last is empty, or was cut off.
  names.pop();
  return {
    names: names.map((name) => name.replace(/^\.\//, '')).toSorted(),
    complete: !found.stdout.truncated,
    complaint: complaintOf(found),
  };
}
