import type { OperationOptions } from '../contract/call.ts';
import type { Command } from '../contract/command.ts';
import type { SandboxPath } from '../contract/file-types.ts';
import type { InputSource } from '../contract/sandbox.ts';
import { readAll } from '../process/byte-source.ts';
import { captureOutput } from '../process/capture-output.ts';
import { runCommand } from '../process/exec.ts';
import { startProcess } from '../process/start-process.ts';
import { wholeInput } from '../process/whole-input.ts';
import type { Session } from '../provider/session.ts';
import { base64Decoded, base64Encoded } from './base64-stream.ts';
import { fileError } from './file-error.ts';
import { insidePathBytes, scriptPath } from './inside-path.ts';
import { type ScriptName, scriptArgv, textScriptArgv } from './script.ts';

/** How much of a tool's complaint is kept. */
const complaintBytes = 4_096;

/** One run of a file script. */
export interface ScriptRun {
  readonly operation: string;
  readonly script: ScriptName;
  readonly path: SandboxPath;
  /** What follows the path on the script's command line. */
  readonly args?: readonly string[];
  readonly input?: InputSource;
}

/** Runs a file script to its end and returns what it printed; any other end is an error. */
export async function runScript(
  session: Session,
  run: ScriptRun,
  options: OperationOptions,
): Promise<Uint8Array> {
  const text = session.capabilities.traits.output === 'text';
  const encoded = text && run.input !== undefined ? 'input' : undefined;
  const input =
    run.input === undefined
      ? 'none'
      : ({ source: encoded ? encodedInput(run.input) : run.input } as const);
  const limits = { ...options, maxOutputBytes: Infinity };
  const command = scriptCommand(session, run, encoded);
  const result = await runCommand(session, run.operation, command, input, limits);
  if (!result.ok) throw fileError(run.operation, run.path, result.exit, result.stderr.text);
  return result.stdout.bytes;
}

/** The same for output that may hold any bytes and any number of them: whole, in memory. */
export async function runBinaryScript(
  session: Session,
  run: ScriptRun,
  options: OperationOptions,
): Promise<Buffer> {
  return Buffer.from(await readAll(await streamScript(session, run, options)));
}

/**
 * Streams what a script prints, while its input, if it has one, is fed. An end other than exit code 0 fails the stream, or,
 * before the first byte, this call.
 */
export async function streamScript(
  session: Session,
  run: ScriptRun,
  options: OperationOptions,
): Promise<ReadableStream<Uint8Array>> {
  const text = session.capabilities.traits.output === 'text';
  const encoded = text ? (run.input === undefined ? 'output' : 'both') : undefined;
  const command = scriptCommand(session, run, encoded);
  const source = encoded && run.input !== undefined ? base64Encoded(run.input) : run.input;
  const input = source === undefined ? 'none' : ({ source } as const);
  const started = await startProcess(session, run.operation, command, input, options);
  const complaint = captureOutput(started.stderr, complaintBytes);
  complaint.ended.catch(() => undefined); // Asked again below, if the script fails.
  const checkEnd = async (): Promise<void> => {
    const exit = await started.exit;
    if (exit.code === 0) return;
    await complaint.ended;
    throw fileError(run.operation, run.path, exit, complaint.result().text);
  };
  const contents = encoded ? base64Decoded(started.stdout) : started.stdout;
  const reader = contents.getReader();
  const pull = async (): Promise<Uint8Array | undefined> => {
    const next = await reader.read();
    if (!next.done) return next.value;
    await checkEnd();
    return undefined;
  };
  let first = await pull();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const chunk = first ?? (await pull());
        first = undefined;
        if (chunk === undefined) controller.close();
        else controller.enqueue(chunk);
      },
      async cancel(reason) {
        await started.kill('SIGKILL');
        await reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}

/** What is in memory stays in memory, so that it can be sent with the command. */
function encodedInput(input: InputSource): InputSource {
  const whole = wholeInput(input, Infinity);
  return whole ? Buffer.from(whole).toString('base64') : base64Encoded(input);
}

function scriptCommand(
  session: Session,
  run: ScriptRun,
  encoded: 'input' | 'output' | 'both' | undefined,
): Omit<Command, 'stdin'> {
  const path = scriptPath(insidePathBytes(session, run.operation, run.path));
  const args = [path, ...(run.args ?? [])];
  return {
    argv: encoded ? textScriptArgv(run.script, args, encoded) : scriptArgv(run.script, args),
    cwd: '/',
    // The scripts read messages and times, and paths are bytes: one locale, one zone.
    env: { LC_ALL: 'C', TZ: 'UTC0' },
  };
}
