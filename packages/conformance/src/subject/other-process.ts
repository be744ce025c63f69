import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { CreateOptions, SandboxRef } from '@gantry/core';
import type { LoadedSubject } from './load-subject.ts';

/** What another process is asked to do with the subject, which it loads by itself. */
export type OtherProcessRequest =
  /** Creates a sandbox, runs a command in it where one is given, and ends without a word to it. */
  | { readonly do: 'create'; readonly options: CreateOptions; readonly command?: string }
  | { readonly do: 'exec'; readonly ref: SandboxRef; readonly command: string }
  | { readonly do: 'inspect' | 'destroy'; readonly ref: SandboxRef }
  | { readonly do: 'list'; readonly labels: Readonly<Record<string, string>> };

/** What it answers. Exactly one of `error` and the rest. */
export interface OtherProcessAnswer {
  readonly pid: number;
  readonly ref?: SandboxRef;
  readonly state?: string;
  readonly exit?: unknown;
  readonly stdout?: string;
  readonly ids?: readonly string[];
  readonly error?: { readonly code: string; readonly message: string };
}

/** By which the answer is told from whatever else a provider's module prints. */
export const answerPrefix = 'gantry-conformance-answer ';

/** Asks a fresh `node` process. Rejects with an `Error` when it ends without an answer. */
export async function askOtherProcess(
  source: NonNullable<LoadedSubject['source']>,
  request: OtherProcessRequest,
  timeoutMs: number,
): Promise<OtherProcessAnswer> {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const program = fileURLToPath(new URL(`./child-main.${extension}`, import.meta.url));
  const parameters = [program, JSON.stringify({ source, request })];
  const { stdout, stderr, failure } = await run(parameters, timeoutMs);
  const line = stdout.split('\n').findLast((text) => text.startsWith(answerPrefix));
  if (line === undefined) {
    throw new Error(
      `the other process gave no answer (${failure ?? 'it ended well'}): ${stderr.slice(-1_000)}`,
    );
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by our own child program
  return JSON.parse(line.slice(answerPrefix.length)) as OtherProcessAnswer;
}

function run(
  parameters: readonly string[],
  timeout: number,
): Promise<{ stdout: string; stderr: string; failure?: string }> {
  return new Promise((resolve) => {
    const options = { timeout, killSignal: 'SIGKILL', maxBuffer: 16 * 1024 * 1024 } as const;
    execFile(process.execPath, [...parameters], options, (error, stdout, stderr) =>
      resolve({ stdout, stderr, ...(error ? { failure: error.message.slice(0, 300) } : {}) }),
    );
  });
}
