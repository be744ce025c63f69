import {
  type CapturedOutput,
  type OperationOptions,
  type ProcessOptions,
  type RestrictedSandbox,
  SandboxError,
} from '@gantry/core';
import type { Experimental_SandboxSession } from 'ai';
import { exitCodeOf } from './exit-code.ts';
import { statFollowed } from './follow-links.ts';
import { nullWhenMissing } from './null-when-missing.ts';
import { orAbortReason, sessionProcess, type WritableProcess } from './sandbox-process.ts';
import { decodeText, encodeText, linesOf } from './text-encoding.ts';

/** How a session presents its sandbox. */
export interface SandboxSessionOptions {
  /** For the model's instructions. Default: says where the workspace is. */
  readonly description?: string;
  /** Where relative paths and commands start. Default `/workspace`. */
  readonly workingDirectory?: string;
  /** Bytes of each output that `run` returns; more is refused with `resource-exhausted`. Default 10 MiB. */
  readonly maxOutputBytes?: number;
}

/** Where every workspace is. */
export const workspaceRoot = '/workspace';

/**
 * A sandbox as `experimental_sandbox` of the AI SDK: commands and files, and no way to end it or to reach its provider. The caller
 * keeps the sandbox and ends it.
 */
export function sandboxSession(
  sandbox: RestrictedSandbox,
  options: SandboxSessionOptions = {},
): Experimental_SandboxSession {
  const { workingDirectory = workspaceRoot, maxOutputBytes } = options;
  const { files } = sandbox;
  const place = (given: string): string => absolute(workingDirectory, given);
  const read = (given: string, abortSignal?: AbortSignal): Promise<Uint8Array | null> =>
    orAbortReason(
      nullWhenMissing(() => files.readBytes(place(given), signalOf(abortSignal))),
      abortSignal,
    );
  const write = (
    given: string,
    contents: Uint8Array | ReadableStream<Uint8Array>,
    abortSignal?: AbortSignal,
  ): Promise<void> =>
    orAbortReason(files.write(place(given), contents, signalOf(abortSignal)), abortSignal);
  const processOptions = (given: CommandOptions): ProcessOptions & OperationOptions => ({
    cwd: absolute(workingDirectory, given.workingDirectory ?? '.'),
    ...(given.env ? { env: given.env } : {}),
    ...signalOf(given.abortSignal),
  });
  return {
    description:
      options.description ??
      `A Linux sandbox. Commands run by /bin/sh and start in ${workingDirectory}, where relative paths start too.`,
    readFile: ({ path: given, abortSignal }) =>
      orAbortReason(
        nullWhenMissing(() => files.read(place(given), signalOf(abortSignal))),
        abortSignal,
      ),
    readBinaryFile: ({ path: given, abortSignal }) => read(given, abortSignal),
    readTextFile: async ({ path: given, encoding, startLine, endLine, abortSignal }) => {
      const bytes = await read(given, abortSignal);
      return bytes === null ? null : linesOf(decodeText(bytes, encoding), startLine, endLine);
    },
    writeFile: ({ path: given, content, abortSignal }) => write(given, content, abortSignal),
    writeBinaryFile: ({ path: given, content, abortSignal }) => write(given, content, abortSignal),
    writeTextFile: async ({ path: given, content, encoding, abortSignal }) =>
      write(given, encodeText(content, encoding), abortSignal),
    stat: async ({ path: given, abortSignal }) => {
      const look = nullWhenMissing(() => statFollowed(files, place(given), signalOf(abortSignal)));
      const stat = await orAbortReason(look, abortSignal);
      if (stat === null) return null;
      return { type: plainType(stat.type), size: stat.size };
    },
    listDirectory: async ({ path: given, abortSignal }) => {
      const list = nullWhenMissing(() => files.list(place(given), signalOf(abortSignal)));
      const entries = await orAbortReason(list, abortSignal);
      if (entries === null) return null;
      return entries.map(({ name, type }) => ({
        name,
        type: type === 'symlink' ? type : plainType(type),
      }));
    },
    deleteFile: async ({ path: given, abortSignal }) => {
      const removed = nullWhenMissing(async () => {
        const { type } = await files.stat(place(given), signalOf(abortSignal));
        if (type === 'directory') throw isDirectory(given);
        await files.remove(place(given), signalOf(abortSignal));
        return true;
      });
      return (await orAbortReason(removed, abortSignal)) ?? false;
    },
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- one function for the three overloads: `stdin` is there exactly when it was asked for
    spawn: (async (given: CommandOptions & { readonly stdin?: boolean }) => {
      const stdin = given.stdin ? 'stream' : 'none';
      const started = sandbox.spawn(given.command, { ...processOptions(given), stdin });
      return sessionProcess(await orAbortReason(started, given.abortSignal), given.abortSignal);
    }) as (given: CommandOptions) => Promise<WritableProcess>,
    run: async (given) => {
      const limit = maxOutputBytes === undefined ? {} : { maxOutputBytes };
      const running = sandbox.exec(given.command, { ...processOptions(given), ...limit });
      const { exit, stdout, stderr } = await orAbortReason(running, given.abortSignal);
      const exitCode = exitCodeOf(exit);
      return { exitCode, stdout: whole('stdout', stdout), stderr: whole('stderr', stderr) };
    },
  };
}

interface CommandOptions {
  readonly command: string;
  readonly workingDirectory?: string;
  readonly env?: Record<string, string>;
  readonly abortSignal?: AbortSignal;
}

function signalOf(signal: AbortSignal | undefined): OperationOptions {
  return signal === undefined ? {} : { signal };
}

/** Not tidied: `..` behind a linked directory is the sandbox's to resolve. */
function absolute(workingDirectory: string, given: string): string {
  return given.startsWith('/') ? given : `${workingDirectory}/${given}`;
}

function plainType(type: string): 'file' | 'directory' | 'other' {
  return type === 'file' || type === 'directory' ? type : 'other';
}

/** All of an output, or an error: the AI SDK has no word for a part. */
function whole(name: string, { text, truncated, totalBytes, bytes }: CapturedOutput): string {
  if (!truncated) return text;
  throw new SandboxError(
    'resource-exhausted',
    `the command wrote ${totalBytes} bytes to ${name}, more than the ${bytes.length} that run returns; write to a file, or use spawn`,
    { operation: 'run', outcome: 'completed', retryable: false },
  );
}

function isDirectory(given: string): SandboxError {
  return new SandboxError('failed-precondition', `deleteFile: ${given} is a directory`);
}
