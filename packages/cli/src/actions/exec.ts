import type { CommandLine } from '@gantry/core';
import { CliError } from '../errors/cli-error.ts';
import { commandExitCode, GANTRY_FAILED } from '../exit-codes.ts';
import { note, printJson } from '../output/print.ts';
import { hostInput } from '../process/host-input.ts';
import { runProcess } from '../process/run-process.ts';
import { CaptureSink, hostSink } from '../process/sink.ts';
import { loadProvider } from '../provider/load-provider.ts';
import { type SandboxOptions, withSandbox } from '../sandbox/with-sandbox.ts';
import type { CommonOptions, Session } from '../session.ts';

/** Options of `gantry exec`. */
export interface ExecActionOptions extends CommonOptions, SandboxOptions {
  readonly command?: string;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly timeout?: number;
  readonly stdin: boolean;
  readonly maxOutput: number;
}

/** `gantry exec`: one command in a sandbox. Returns the exit code. */
export async function exec(
  session: Session,
  words: readonly string[],
  options: ExecActionOptions,
): Promise<number> {
  const command = commandLine(words, options.command);
  const provider = await loadProvider(options.provider, options.egress);
  const [stdout, stderr] = [new CaptureSink(options.maxOutput), new CaptureSink(options.maxOutput)];
  session.besideError = { stdout, stderr };
  const done = await withSandbox(session, provider, options, async (sandbox) => ({
    ref: sandbox.ref,
    ...(await runProcess(sandbox, {
      command,
      input: await hostInput(sandbox, options.stdin),
      stdout: session.json ? stdout : hostSink(process.stdout),
      stderr: session.json ? stderr : hostSink(process.stderr),
      interrupts: session.interrupts,
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      ...(options.env === undefined ? {} : { env: options.env }),
      ...(options.timeout === undefined ? {} : { timeoutMs: options.timeout }),
    })),
  }));
  if (session.json) {
    const { ref, exit, lingering, durationMs } = done;
    const kept = options.sandbox !== undefined || (options.keep ?? false);
    printJson({ ref, exit, ok: exit.code === 0, stdout, stderr, lingering, durationMs, kept });
  }
  const code = commandExitCode(done.exit);
  if (code !== undefined) return code;
  note(`how the command ended is not known: ${done.exit.unknown ?? done.exit.signal}`);
  return GANTRY_FAILED;
}

/** The command of `-- COMMAND ARG…` or of `-c 'shell line'`; exactly one of them. */
function commandLine(words: readonly string[], shellLine: string | undefined): CommandLine {
  const [program, ...rest] = words;
  if (shellLine !== undefined && program !== undefined) {
    throw new CliError('give a command either with -c or after --, not both');
  }
  if (shellLine !== undefined && shellLine !== '') return shellLine;
  if (program !== undefined && program !== '') return [program, ...rest];
  throw new CliError('no command given', {
    hint: "For example: gantry exec -- echo hello, or: gantry exec -c 'echo hello | wc -c'",
  });
}
