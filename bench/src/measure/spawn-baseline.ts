import { spawn } from 'node:child_process';

/** Runs a program of the host with pipes, to the end of its outputs; anything but exit code 0 is an error. */
export function spawnAwaited(program: string, args: readonly string[] = []): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: 'pipe' });
    let complaint = '';
    child.stderr.on('data', (chunk: Buffer) => {
      complaint += chunk.toString();
    });
    child.stdout.resume();
    child.stdin.end();
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(`${program} ended with ${code ?? signal}: ${complaint}`));
    });
  });
}
