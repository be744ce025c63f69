import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { directoryStore } from '../../src/node.ts';
import { listSnapshots, type StoreProblem, verifyStore } from '../../src/snapshot.ts';

const child = path.join(import.meta.dirname, 'capturing-process.ts');

/** Kills a process that takes snapshots, each round a little later in its work, and verifies what it leaves. */
export async function crashAndVerify(
  rounds: number,
): Promise<{ readonly killed: number; readonly problems: readonly StoreProblem[] }> {
  const folder = mkdtempSync(path.join(tmpdir(), 'gantry-crash-'));
  const [stored, temporary] = [path.join(folder, 'store'), path.join(folder, 'temporary')];
  mkdirSync(temporary);
  const problems: StoreProblem[] = [];
  let killed = 0;
  for (let round = 0; round < rounds; round += 1) {
    const running = spawn(process.execPath, [child, stored], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, TMPDIR: temporary },
    });
    const ended = new Promise((resolve) => running.once('exit', resolve));
    // Killed when so many objects have been begun: a point in its work and not in time.
    let begun = 0;
    for await (const lines of running.stdout) {
      begun += String(lines).split('\n').length - 1;
      if (begun > round) break;
    }
    if (running.exitCode === null) killed += Number(running.kill('SIGKILL'));
    await ended;
    const store = directoryStore(stored);
    if ((await listSnapshots(store)).length === 0) continue;
    problems.push(...(await verifyStore(store)).problems);
  }
  rmSync(folder, { recursive: true });
  return { killed, problems };
}
