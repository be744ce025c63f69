import { randomUUID } from 'node:crypto';
import { SandboxError } from '@gantry/core/driver';
import { fromVendor, withVendor } from './errors.ts';
import type { Sandbox } from './sdk.ts';

/** Commands after which a session is given up: the vendor keeps what each of them wrote. */
const mostCommands = 50;

/** A session of the vendor's, which runs one command at a time. */
export interface Session {
  readonly id: string;
  commands: number;
}

/** A command of a session. */
export interface SessionCommand {
  readonly session: Session;
  readonly id: string;
}

/** The sessions of one sandbox: one is used again once the host has seen all of its last command's end. */
export class SessionPool {
  readonly #sandbox: Sandbox;
  readonly #idle: Session[] = [];
  #closed = false;

  constructor(sandbox: Sandbox) {
    this.#sandbox = sandbox;
  }

  /** Starts a command in a session that runs nothing. */
  async start(command: string): Promise<SessionCommand> {
    for (;;) {
      const used = this.#idle.pop();
      const session = used ?? (await this.#create());
      try {
        session.commands += 1;
        const { process } = this.#sandbox;
        const request = { command, runAsync: true, suppressInputEcho: true };
        const started = await process.executeSessionCommand(session.id, request);
        return { session, id: started.cmdId };
      } catch (error) {
        // One that was used before may have ended since, by whatever the guest did: it has started nothing.
        const ended = error instanceof Error && 'statusCode' in error ? error.statusCode : 0;
        if (used && (ended === 404 || ended === 410)) continue;
        if (ended !== 410) throw fromVendor(error);
        const message = 'the session of a command was ended before the command began';
        throw new SandboxError('unavailable', message, { outcome: 'unknown', cause: error });
      }
    }
  }

  /** Its command has ended, and nobody has an output of it open any more. */
  giveBack(session: Session): void {
    if (session.commands < mostCommands && !this.#closed) this.#idle.push(session);
    else void this.#remove(session);
  }

  /** Nobody follows its command any more, which goes on; its shell is to end after that. */
  abandon({ id }: Session): void {
    const request = { command: 'exit', runAsync: true, suppressInputEcho: true };
    // Where the sandbox or the shell is gone, there is nothing left to end.
    this.#sandbox.process.executeSessionCommand(id, request).catch(() => undefined);
  }

  /** They are gone: the sandbox was stopped. */
  forget(): void {
    this.#idle.length = 0;
  }

  /** Ends the sessions that run nothing. */
  async clear(): Promise<void> {
    await Promise.all(this.#idle.splice(0).map((session) => this.#remove(session)));
  }

  /** The same for good: those that run something are ended after it. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.clear();
  }

  async #create(): Promise<Session> {
    const session = { id: `gantry-${randomUUID()}`, commands: 0 };
    await withVendor(() => this.#sandbox.process.createSession(session.id));
    return session;
  }

  async #remove({ id }: Session): Promise<void> {
    // One that is gone already, or with its whole sandbox, needs no removal.
    await this.#sandbox.process.deleteSession(id).catch(() => undefined);
  }
}
