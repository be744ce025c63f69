import { type Sandbox, SandboxError } from '@gantry/core';
import type { ExecCommandArgs, SandboxExecResult, WriteStdinArgs } from '@openai/agents/sandbox';
import { type ExecResponse, truncateOutput } from './exec-response.ts';
import { RunningCommand } from './running-command.ts';

/** The SDK's own defaults. */
const execYieldMs = 10_000;
const writeYieldMs = 250;
const mostRunning = 64;
const terminalSize = { columns: 80, rows: 24 };
const controlC = '\u0003';

/** The commands of one session: those that are not over when a call ends get a number and go on. */
export class Commands {
  readonly #sandbox: Sandbox;
  readonly #environment: () => Readonly<Record<string, string>>;
  readonly #running = new Map<number, RunningCommand>();
  #lastId = 0;

  constructor(sandbox: Sandbox, environment: () => Readonly<Record<string, string>>) {
    this.#sandbox = sandbox;
    this.#environment = environment;
  }

  /** Whether terminals can be had. Without them nobody could ask for a command again, so each is waited for to its end. */
  get hasTerminals(): boolean {
    return this.#sandbox.capabilities.terminal !== undefined;
  }

  /** Runs a shell line until it ends or the time to yield is over. */
  async exec(args: ExecCommandArgs): Promise<SandboxExecResult> {
    if (this.#running.size >= mostRunning) {
      throw new SandboxError(
        'resource-exhausted',
        `${mostRunning} commands of this session still run; end one with write_stdin and Ctrl-C first`,
      );
    }
    const start = performance.now();
    const command = new RunningCommand(await this.#start(args));
    const yieldMs = this.hasTerminals ? (args.yieldTimeMs ?? execYieldMs) : undefined;
    const ended = await waitFor(command, yieldMs);
    const { output, stdout, stderr } = command.take();
    const shown = truncateOutput(output, args.maxOutputTokens);
    return {
      ...{ ...shown, stdout, stderr, wallTimeSeconds: secondsSince(start) },
      ...(ended ? { exitCode: command.exitCode } : { sessionId: this.#keep(command) }),
    };
  }

  /** Sends keys to a command that runs, and tells what it wrote meanwhile. */
  async writeStdin(args: WriteStdinArgs): Promise<ExecResponse> {
    const { sessionId, chars = '', yieldTimeMs = writeYieldMs, maxOutputTokens } = args;
    const command = this.#running.get(sessionId);
    if (!command) return refused(`session not found: ${sessionId}`);
    const start = performance.now();
    const complaint = await send(command, chars);
    if (complaint !== undefined) return { ...refused(complaint), sessionId };
    const ended = await waitFor(command, yieldTimeMs);
    if (ended) this.#running.delete(sessionId);
    return {
      ...truncateOutput(command.take().output, maxOutputTokens),
      wallTimeSeconds: secondsSince(start),
      ...(ended ? { exitCode: command.exitCode } : { sessionId }),
    };
  }

  /** Kills every command that still runs. */
  async close(): Promise<void> {
    const running = [...this.#running.values()];
    this.#running.clear();
    await Promise.all(running.map((command) => command.close()));
  }

  #start(args: ExecCommandArgs): ReturnType<Sandbox['spawn'] | Sandbox['terminal']> {
    const { cmd, workdir, shell, login = true, tty = false, runAs } = args;
    const command = shell
      ? ([shell, login ? '-lc' : '-c', cmd] as const)
      : (['/bin/sh', '-c', cmd] as const);
    const options = {
      env: this.#environment(),
      ...(workdir ? { cwd: workdir } : {}),
      ...(runAs === undefined ? {} : { user: runAs }),
    };
    if (!tty) return this.#sandbox.spawn(command, options);
    return this.#sandbox.terminal({ ...options, command, size: terminalSize });
  }

  #keep(command: RunningCommand): number {
    this.#lastId += 1;
    this.#running.set(this.#lastId, command);
    return this.#lastId;
  }
}

/** Sends what was typed; returns what keeps it from being sent. */
async function send(command: RunningCommand, chars: string): Promise<string | undefined> {
  if (command.isTerminal) {
    if (chars !== '') await command.write(chars);
    return undefined;
  }
  if (chars.includes(controlC)) await command.interrupt();
  if (chars.replaceAll(controlC, '') === '') return undefined;
  return 'the command has no input; start it with tty=true to type into it';
}

async function waitFor(
  command: RunningCommand,
  milliseconds: number | undefined,
): Promise<boolean> {
  if (milliseconds !== undefined) return command.wait(milliseconds);
  const longest = 2_147_483_647;
  while (!(await command.wait(longest)));
  return true;
}

function refused(reason: string): ExecResponse {
  return { output: `write_stdin failed: ${reason}`, wallTimeSeconds: 0, exitCode: 1 };
}

function secondsSince(start: number): number {
  return (performance.now() - start) / 1_000;
}
