import { execFile, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { globSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { checks, mutants } from '../src/index.ts';

/** What `kill-matrix.json` holds: each mutant, and the checks that failed under it. */
export interface KillMatrix {
  readonly date: string;
  readonly commit: string;
  /** `kills`: each mutant met only the checks that it must fail. `all`: every check. */
  readonly against: 'kills' | 'all';
  readonly checks: readonly string[];
  readonly mutants: Readonly<Record<string, readonly string[]>>;
}

const here = import.meta.dirname;
/** Rows that an interrupted run of the same suite has left. */
const kept = path.join(here, '../node_modules/.cache/kill-matrix', digestOfSuite());

/** Runs each mutant against the whole suite, each in a process of its own, and writes the matrix. */
export async function writeKillMatrix(atATime: number): Promise<KillMatrix> {
  mkdirSync(kept, { recursive: true });
  const rows = new Map<string, readonly string[]>();
  const queue = mutants.map(({ name }) => name);
  const worker = async (): Promise<void> => {
    for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
      rows.set(name, await rowOf(name));
      process.stderr.write(`${rows.size} of ${mutants.length} mutants\n`);
    }
  };
  await Promise.all(Array.from({ length: atATime }, worker));
  const order = checks.map(({ id }) => id);
  const matrix: KillMatrix = {
    date: new Date().toISOString().slice(0, 10),
    commit: execFileSync('git', ['rev-parse', 'HEAD'], { encoding: 'utf8' }).trim(),
    against: 'all',
    checks: order,
    mutants: Object.fromEntries(
      mutants.map(({ name }) => [name, order.filter((id) => rows.get(name)?.includes(id))]),
    ),
  };
  const file = path.join(here, '../kill-matrix.json');
  writeFileSync(file, `${JSON.stringify(matrix, undefined, 1)}\n`);
  return matrix;
}

async function rowOf(mutant: string): Promise<readonly string[]> {
  const file = path.join(kept, `${createHash('sha256').update(mutant).digest('hex')}.json`);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    const program = [path.join(here, 'kill-matrix-row.ts'), mutant];
    ({ stdout: text } = await promisify(execFile)(process.execPath, program));
    writeFileSync(`${file}.new`, text);
    renameSync(`${file}.new`, file);
  }
  return JSON.parse(text) as readonly string[];
}

function digestOfSuite(): string {
  const hash = createHash('sha256');
  const root = path.join(here, '..');
  const files = globSync('{src,test}/**/*.ts', { cwd: root }).toSorted();
  for (const file of files) hash.update(`${file}\0`).update(readFileSync(path.join(root, file)));
  return hash.digest('hex').slice(0, 16);
}
