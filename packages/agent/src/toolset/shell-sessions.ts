import { randomBytes } from 'node:crypto';
import { type RestrictedSandbox, SandboxError } from '@gantry/core';
import type { ToolsetLimits } from './limits.ts';
import { statefulShell } from './shell-launcher.ts';
import { ShellSession } from './shell-session.ts';
import { charactersPerToken } from './shorten.ts';
import { ToolFailure } from './tool-failure.ts';

/** How a command is started. */
export interface StartOptions {
  /** Absolute. Default: where the last command ended. */
  readonly cwd?: string | undefined;
  readonly interactive?: boolean | undefined;
  readonly timeoutMs?: number | undefined;
}

/** The commands of one toolset that run, and the state that they hand on. */
export class ShellSessions {
  readonly #sandbox: RestrictedSandbox;
  readonly #limits: ToolsetLimits;
  readonly #workingDirectory: string;
  readonly #sessions = new Map<string, ShellSession>();
  #state: string;

  constructor(
    sandbox: RestrictedSandbox,
    limits: ToolsetLimits,
    workingDirectory: string,
    state: string,
  ) {
    this.#sandbox = sandbox;
    this.#limits = limits;
    this.#workingDirectory = workingDirectory;
    this.#state = state;
  }

  /** Starts a command. */
  async start(command: string, options: StartOptions = {}): Promise<ShellSession> {
    const { cwd, interactive = false, timeoutMs } = options;
    if (this.#sessions.size >= this.#limits.sessions) {
      throw new ToolFailure(
        `${this.#sessions.size} commands run already (${this.#running()}). Kill one of them first.`,
      );
    }
    const id = randomBytes(3).toString('hex');
    const kept = this.#limits.outputTokens * charactersPerToken;
    const directory = cwd ?? this.#workingDirectory;
    const session = await ShellSession.start(this.#sandbox, id, command, kept, {
      cwd: directory,
      shell: statefulShell(this.#state, cwd === undefined ? 'keep' : 'look'),
      stdin: interactive ? 'stream' : 'none',
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    }).catch((cause: unknown) => {
      if (!SandboxError.is(cause) || cause.details['reason'] !== 'cwd') throw cause;
      throw new ToolFailure(`There is no directory ${directory}.`, { cause });
    });
    this.#sessions.set(id, session);
    return session;
  }

  /** A command that was started and has not been seen to end. */
  get(id: string): ShellSession {
    const session = this.#sessions.get(id);
    if (session) return session;
    throw new ToolFailure(
      `There is no running command ${JSON.stringify(id)}; running: ${this.#running()}. A command that has ended is gone, and so is every one when the agent's process or its sandbox was replaced: start it again.`,
    );
  }

  /** Forgets a command whose end was told. */
  forget(session: ShellSession): void {
    this.#sessions.delete(session.id);
  }

  /** Kills everything and begins with a fresh state. */
  async restart(): Promise<void> {
    await this.close();
    this.#state = randomBytes(6).toString('hex');
  }

  /** Kills what still runs. */
  async close(): Promise<void> {
    const all = [...this.#sessions.values()];
    this.#sessions.clear();
    const killed = await Promise.allSettled(all.map((session) => session.kill()));
    const failed = killed.find((result) => result.status === 'rejected');
    if (failed) throw failed.reason;
  }

  #running(): string {
    const all = [...this.#sessions.values()];
    if (all.length === 0) return 'none';
    return all.map(({ id, command }) => `${id}: ${command.slice(0, 60)}`).join('; ');
  }
}
