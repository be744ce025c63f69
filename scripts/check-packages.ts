import { readdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { root, runCommand, workspacePackages } from './repository.ts';

/** The verdict on one package by one tool. */
export interface PackageVerdict {
  readonly name: string;
  readonly ok: boolean;
}

interface TurboSummary {
  readonly tasks: readonly {
    readonly taskId: string;
    readonly execution?: { readonly exitCode: number | null };
  }[];
}

const summaries = path.join(root, '.turbo', 'runs');

function summaryNames(): string[] {
  try {
    return readdirSync(summaries);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/**
 * Runs publint and attw on each publishable package, through turbo, which replays an earlier success for a package
 * whose files have not changed. A task that turbo does not report on counts as failed.
 */
export async function checkPackages(): Promise<{ verdicts: PackageVerdict[]; output: string }> {
  const before = new Set(summaryNames());
  const { output } = await runCommand('turbo', [
    'run',
    'check:publint',
    'check:attw',
    '--continue',
    '--summarize',
    '--concurrency=2',
    '--output-logs=errors-only',
  ]);
  const codes = new Map<string, number | null>();
  for (const name of summaryNames().filter((entry) => !before.has(entry))) {
    const file = path.join(summaries, name);
    const summary = JSON.parse(readFileSync(file, 'utf8')) as TurboSummary;
    for (const task of summary.tasks) codes.set(task.taskId, task.execution?.exitCode ?? null);
    rmSync(file);
  }
  const verdicts = workspacePackages()
    .filter(({ publishable }) => publishable)
    .flatMap(({ name }) =>
      ['publint', 'attw'].map((tool) => ({
        name: `${tool} ${name}`,
        ok: codes.get(`${name}#check:${tool}`) === 0,
      })),
    );
  return { verdicts, output };
}
