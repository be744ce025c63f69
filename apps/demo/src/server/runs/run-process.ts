import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { open, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { hostProcess } from '@gantry/core/node';
import type { ProcessIdentity } from '@gantry/core/node';
import { z } from 'zod';
import { runDirectory } from './run-record.ts';
import type { RunPlaces } from './run-record.ts';

const child = fileURLToPath(new URL(`run-child${path.extname(import.meta.url)}`, import.meta.url));

const identitySchema: z.ZodType<ProcessIdentity> = z.object({
  pid: z.int(),
  startTime: z.string(),
  bootId: z.string(),
});

/** Starts the process that drives a run, apart from this one's terminal. What it says goes to the run's log. */
export async function startHarness(
  state: string,
  places: RunPlaces,
  id: string,
): Promise<ChildProcess> {
  await using log = await open(path.join(runDirectory(places, id), 'log'), 'w', 0o600);
  const started = spawn(process.execPath, [child, state, id], {
    stdio: ['ignore', log.fd, log.fd],
    detached: true,
  });
  await new Promise<void>((resolve, reject) => {
    started.once('spawn', resolve);
    started.once('error', reject);
  });
  // The run goes on without this process.
  started.unref();
  return started;
}

/** The process that drives a run, whichever server began it; `undefined` where none does. */
export async function findHarness(
  places: RunPlaces,
  id: string,
): Promise<ProcessIdentity | undefined> {
  const text = await readOr(path.join(runDirectory(places, id), 'process.json'));
  if (text === undefined) return undefined;
  const identity = identitySchema.parse(JSON.parse(text));
  return hostProcess.isRunning(identity) ? identity : undefined;
}

/** The last lines that a run's process said. */
export async function lastWords(places: RunPlaces, id: string): Promise<string | undefined> {
  const text = await readOr(path.join(runDirectory(places, id), 'log'));
  const lines = text?.split('\n').filter((line) => line.trim() !== '') ?? [];
  return lines.length === 0 ? undefined : lines.slice(-6).join('\n').slice(-2_000);
}

async function readOr(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
