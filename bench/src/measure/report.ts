import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import path from 'node:path';

/** One line of a benchmark's table. */
export interface Row {
  readonly name: string;
  readonly samples: number;
  readonly p50: number;
  readonly p95: number;
  /** p50 and p95 over the p50 of the baseline S of the same run. */
  readonly ratio50: number;
  readonly ratio95: number;
  /** What `ratio50` must not exceed, where there is a target. */
  readonly target?: number;
}

/** Prints the table, and keeps it as JSON with what is needed to read it. */
export function report(name: string, baseline: string, rows: readonly Row[]): void {
  const width = Math.max(...rows.map((row) => row.name.length));
  const cells = ['n', 'p50 ms', 'p95 ms', 'p50 / S', 'p95 / S', 'target'];
  const line = (first: string, rest: readonly string[]): string =>
    `${first.padEnd(width)}  ${rest.map((cell) => cell.padStart(9)).join('')}`;
  const print = (text: string): boolean => process.stdout.write(`${text}\n`);
  print(`S = ${baseline}`);
  print(line('', cells));
  for (const row of rows) {
    const { samples, p50, p95, ratio50, ratio95, target } = row;
    const numbers = [p50, p95, ratio50, ratio95].map((value) => value.toFixed(2));
    print(
      line(row.name, [String(samples), ...numbers, target === undefined ? '' : `<= ${target}`]),
    );
  }
  const directory = path.join(import.meta.dirname, '..', '..', 'results');
  mkdirSync(directory, { recursive: true });
  const machine = {
    cpus: cpus().length,
    kernel: release(),
    node: process.version,
    arch: process.arch,
  };
  const document = {
    name,
    baseline,
    date: new Date().toISOString(),
    commit: commit(),
    machine,
    rows,
  };
  const file = path.join(directory, `${name}.json`);
  writeFileSync(file, `${JSON.stringify(document, null, 2)}\n`);
  print(`kept in ${path.relative(process.cwd(), file)}`);
}

function commit(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
  } catch {
    // A copy without its history: the figures are still worth having.
    return 'unknown';
  }
}
