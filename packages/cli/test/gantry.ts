import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { onTestFinished } from 'vitest';

/** The command as it is installed. */
export const bin: string = path.join(import.meta.dirname, '../bin/gantry.js');

/** How the real command is started. */
export interface GantryOptions {
  readonly input?: string | Uint8Array;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Gets the running process, to send it signals or to close its outputs. */
  readonly during?: (running: ChildProcess) => void | Promise<void>;
}

/** What it did. */
export interface GantryResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: Buffer;
  readonly stderr: string;
  /** Stdout as text. */
  readonly text: string;
}

/** Runs the real `gantry` of this package in a process of its own. */
export async function gantry(
  args: readonly string[],
  options: GantryOptions = {},
): Promise<GantryResult> {
  const { GANTRY_PROVIDER: _, ...environment } = process.env;
  const running = spawn(process.execPath, [bin, ...args], {
    cwd: options.cwd ?? import.meta.dirname,
    env: { ...environment, ...options.env },
    stdio: 'pipe',
  });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  running.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  running.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
  // A command that closes its input early is part of what is tested.
  running.stdin.on('error', () => undefined);
  running.stdin.end(options.input ?? '');
  const closed = new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
    running.once('error', reject);
    running.once('close', (code, signal) => resolve([code, signal]));
  });
  try {
    await options.during?.(running);
  } catch (error) {
    running.kill('SIGTERM');
    await closed;
    throw error;
  }
  const [code, signal] = await closed;
  const bytes = Buffer.concat(stdout);
  return {
    code,
    signal,
    stdout: bytes,
    text: bytes.toString(),
    stderr: Buffer.concat(stderr).toString(),
  };
}

/** The JSON document on stdout of a run with `--json`, as the test expects it. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- names the type where it is used
export async function gantryJson<Document>(
  args: readonly string[],
  options: GantryOptions = {},
): Promise<GantryResult & { readonly json: Document }> {
  const result = await gantry(args, options);
  return { ...result, json: JSON.parse(result.text) as Document };
}

/** Resolves when an output of the process has shown this text. */
export function shows(running: ChildProcess, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let seen = '';
    const look = (chunk: Buffer): void => {
      seen += chunk.toString();
      if (seen.includes(text)) resolve();
    };
    running.stdout?.on('data', look);
    running.stderr?.on('data', look);
    running.once('close', () =>
      reject(new Error(`ended without showing ${text}; showed: ${seen}`)),
    );
  });
}

/** A directory with these files, gone after the test. */
export async function directoryWith(files: Readonly<Record<string, string>>): Promise<string> {
  const directory = await mkdtemp(path.join(tmpdir(), 'gantry-cli-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  for (const [name, contents] of Object.entries(files)) {
    await writeFile(path.join(directory, name), contents);
  }
  return directory;
}

/** The sandboxes of the local provider that carry a label. */
export async function sandboxesLabelled(value: string): Promise<readonly string[]> {
  const { json } = await gantryJson<{ sandboxes: { ref: { id: string } }[] }>([
    'ls',
    '--json',
    '--label',
    `cli-test=${value}`,
  ]);
  return json.sandboxes.map(({ ref }) => ref.id);
}

/** A manifest file that gives its sandboxes this label. */
export async function labelledManifest(value: string): Promise<string> {
  const directory = await directoryWith({
    'manifest.json': JSON.stringify({ spec: 'gantry-manifest/1', labels: { 'cli-test': value } }),
  });
  return path.join(directory, 'manifest.json');
}
