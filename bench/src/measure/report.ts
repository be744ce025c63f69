import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release } from 'node:os';
import path from 'node:path';
import { quantile } from './samples.ts';

/** A target is missed for good where the measured value is this many times as much: the rest is the machine. */
const gate = 1.5;

/** What a row is held to. */
export interface Aim {
  /** What `ratio50` should not exceed. */
  readonly target: number;
  /** What the same thing would take at the least, in the same unit, and why. */
  readonly floor?: { readonly ratio: number; readonly what: string };
}

/** One line of a benchmark's table. */
export interface Row extends Partial<Aim> {
  readonly name: string;
  readonly samples: number;
  readonly p50: number;
  readonly p95: number;
  /** p50 and p95 in the row's unit: of most rows the p50 of the baseline S of the same run. */
  readonly ratio50: number;
  readonly ratio95: number;
}

/** A row of samples, in a unit of so many of them. */
export function toRow(name: string, samples: readonly number[], unit: number, aim?: Aim): Row {
  const [p50, p95] = [quantile(samples, 0.5), quantile(samples, 0.95)];
  return {
    ...{ name, samples: samples.length, p50, p95, ratio50: p50 / unit, ratio95: p95 / unit },
    ...aim,
  };
}

/**
 * Prints the table, and keeps it as JSON with what is needed to read it. The process ends with code 1 when a
 * target is missed by half as much again.
 */
export function report(name: string, baseline: string, rows: readonly Row[]): void {
  const width = Math.max(...rows.map((row) => row.name.length));
  const cells = ['n', 'p50', 'p95', 'p50 / S', 'p95 / S', 'floor', 'target'];
  const line = (first: string, rest: readonly string[]): string =>
    `${first.padEnd(width)}  ${rest.map((cell) => cell.padStart(9)).join('')}`;
  const print = (text: string): boolean => process.stdout.write(`${text}\n`);
  print(`S = ${baseline}`);
  print(line('', cells));
  for (const row of rows) {
    const { samples, p50, p95, ratio50, ratio95, target, floor } = row;
    const numbers = [p50, p95, ratio50, ratio95].map((value) => value.toFixed(2));
    const aims = [floor?.ratio.toFixed(2) ?? '', target === undefined ? '' : `<= ${target}`];
    print(`${line(row.name, [String(samples), ...numbers, ...aims])}  ${verdict(row)}`.trimEnd());
  }
  for (const { name: of, floor } of rows) if (floor) print(`floor of "${of}": ${floor.what}`);
  const directory = path.join(import.meta.dirname, '..', '..', 'results');
  mkdirSync(directory, { recursive: true });
  const machine = {
    cpus: cpus().length,
    kernel: release(),
    node: process.version,
    arch: process.arch,
    // What else the machine had to do: above the number of processors, ratios of unlike things say little.
    loadAverage: loadavg()[0],
  };
  const document = {
    name,
    baseline,
    date: new Date().toISOString(),
    commit: commit(),
    machine,
    rows: rows.map((row) => ({ ...row, ...(verdict(row) ? { verdict: verdict(row) } : {}) })),
  };
  const file = path.join(directory, `${name}.json`);
  writeFileSync(file, `${JSON.stringify(document, null, 2)}\n`);
  print(`kept in ${path.relative(process.cwd(), file)}`);
  if (rows.some((row) => verdict(row) === `more than ${gate} x`)) process.exitCode = 1;
}

function verdict({ ratio50, target }: Row): string {
  if (target === undefined) return '';
  if (ratio50 <= target) return 'met';
  return ratio50 <= target * gate ? 'not met' : `more than ${gate} x`;
}

function commit(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
  } catch {
    // A copy without its history: the figures are still worth having.
    return 'unknown';
  }
}
