import { spawn } from 'node:child_process';

/** What became of a program that ran to its end. */
export interface ProgramResult {
  /** `null` where it could not be started, or was killed. */
  readonly code: number | null;
  /** What it said on both outputs, or why it could not be started. At most 16 KiB. */
  readonly output: string;
}

/** Runs a program of the host. `descriptors` become its 3, 4 and so on. Never rejects. */
export function runProgram(
  command: readonly [string, ...string[]],
  descriptors: readonly number[] = [],
): Promise<ProgramResult> {
  const [program, ...args] = command;
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      stdio: ['ignore', 'pipe', 'pipe', ...descriptors],
      cwd: '/',
      env: { PATH: process.env['PATH'], LC_ALL: 'C' },
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        if (output.length < 16_384) output += text;
      });
    }
    child.once('error', (error) => resolve({ code: null, output: error.message }));
    child.once('close', (code) => resolve({ code, output: output.trim() }));
  });
}
