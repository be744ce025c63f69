import { constants } from 'node:os';
import { exitNumber, type Sandbox, SandboxError, type SandboxProcess } from '@gantry/core';
import { CommandLog, type OutputName } from '../chassis/command-log.ts';
import { OutputFlow } from '../chassis/output-flow.ts';
import { badRequest, notFound, unsupported } from './api-error.ts';
import { hasSudo } from './guest.ts';
import { newId } from './ids.ts';
import type { CommandRequest } from './wire-bodies.ts';

/** Commands of one session that are kept after their end. */
const remembered = 1000;

/** One command of a session. */
export class RunningCommand {
  readonly id: string = newId('cmd');
  readonly request: CommandRequest;
  readonly cwd: string;
  readonly startedAt: number;
  readonly log: CommandLog = new CommandLog();
  /** Resolves when it has ended, however it did. */
  readonly over: Promise<void>;
  /** Absent where how it ended is not known. */
  exitCode: number | undefined;
  durationMs: number | undefined;
  readonly #process: SandboxProcess;
  readonly #begin = performance.now();
  readonly #over = Promise.withResolvers<void>();
  readonly #flow = new OutputFlow();

  constructor(request: CommandRequest, cwd: string, now: number, process: SandboxProcess) {
    this.request = request;
    this.cwd = cwd;
    this.startedAt = now;
    this.#process = process;
    this.over = this.#over.promise;
    void this.#live();
  }

  /** One that has ended is no error. */
  async kill(number: number): Promise<void> {
    const name = Object.entries(constants.signals).find(([, value]) => value === number)?.[0];
    if (name === undefined) throw badRequest(`there is no signal ${number}`);
    await this.#process.kill(`SIG${name.slice(3)}`);
  }

  async #live(): Promise<void> {
    const { stdout, stderr, exit } = this.#process;
    const outputs = Promise.all([this.#pump('stdout', stdout), this.#pump('stderr', stderr)]);
    outputs.catch(() => undefined); // The exit tells of a lost link.
    try {
      this.#exited(exitNumber(await exit));
      // How it ended is told at once; its output ends when whoever reads it has all of it.
      await this.#flow.untilQuiet(outputs);
      this.log.end(this.exitCode === undefined);
    } catch {
      // How it ended is not known, so no end is told.
      this.interrupt();
    }
  }

  /** Its session is over: what it has not told by now it never will. */
  interrupt(): void {
    if (this.log.ended) return;
    this.#exited(undefined);
    this.log.end(true);
  }

  #exited(exitCode: number | undefined): void {
    if (this.durationMs !== undefined) return;
    this.durationMs = Math.round(performance.now() - this.#begin);
    this.exitCode = exitCode;
    this.#over.resolve();
  }

  async #pump(output: OutputName, stream: ReadableStream<Uint8Array>): Promise<void> {
    for await (const bytes of stream) await this.#flow.pass(this.log.append(output, bytes));
  }
}

/** The commands of one session. */
export class Commands {
  readonly #commands = new Map<string, RunningCommand>();

  /** Starts one; its environment comes on top of that of every process. */
  async start(
    sandbox: Sandbox,
    request: CommandRequest,
    cwd: string,
    env: Readonly<Record<string, string>>,
    now: number,
  ): Promise<RunningCommand> {
    const user = request.sudo ? rootOf(sandbox) : {};
    let process: SandboxProcess;
    try {
      process = await sandbox.spawn([request.command, ...request.args], {
        ...{ cwd, env: { ...env, PWD: cwd, ...request.env } },
        ...user,
      });
    } catch (error) {
      if (SandboxError.is(error) && error.details['reason'] === 'cwd') {
        throw badRequest(`cwd ${cwd} does not exist.`);
      }
      throw error;
    }
    const command = new RunningCommand(request, cwd, now, process);
    this.#commands.set(command.id, command);
    if (request.timeout !== undefined) killAfter(command, request.timeout);
    this.#forgetOldest();
    return command;
  }

  /** Throws the vendor's 404. */
  get(id: string): RunningCommand {
    const found = this.#commands.get(id);
    if (found) return found;
    throw notFound(`Command ${id}`);
  }

  list(): readonly RunningCommand[] {
    return [...this.#commands.values()];
  }

  /** Their session is over. */
  interrupt(): void {
    for (const command of this.list()) command.interrupt();
  }

  /** Ends those of root, which the guest's own user cannot. */
  async endSudo(): Promise<void> {
    const ofRoot = this.list().filter(({ request }) => request.sudo);
    // What cannot be signalled any more has ended; it may have been told as over before it is.
    await Promise.allSettled(ofRoot.map((command) => command.kill(constants.signals.SIGKILL)));
  }

  #forgetOldest(): void {
    if (this.#commands.size <= remembered) return;
    const ended = this.list().find(({ log }) => log.ended);
    if (ended) this.#commands.delete(ended.id);
  }
}

/** How a process of root is asked for, which needs a provider that has users. */
function rootOf(sandbox: Sandbox): { readonly user: string } {
  if (hasSudo(sandbox.capabilities)) return { user: 'root' };
  throw unsupported('there is no sudo: the provider has no users');
}

function killAfter(command: RunningCommand, milliseconds: number): void {
  const timer = setTimeout(() => {
    // One that cannot be killed any more has ended.
    command.kill(constants.signals.SIGKILL).catch(() => undefined);
  }, milliseconds);
  void command.over.then(() => clearTimeout(timer));
}
