import type { Sandbox } from '@gantry/core';
import { ApiError } from '../api-error.ts';
import { type SessionCommand, SessionShell } from './session-shell.ts';

/** The sessions of one sandbox, by the ids that its clients gave them. */
export class Sessions {
  readonly #shells = new Map<string, Promise<SessionShell>>();

  /** Throws the vendor's 409 for an id that is taken. */
  async create(
    id: string,
    sandbox: Sandbox,
    cwd: string,
    env: Readonly<Record<string, string>>,
  ): Promise<void> {
    if (this.#shells.has(id)) throw new ApiError(409, 'session already exists');
    const starting = SessionShell.start(sandbox, cwd, env);
    this.#shells.set(id, starting);
    try {
      await starting;
    } catch (error) {
      this.#shells.delete(id);
      throw error;
    }
  }

  /** Throws the vendor's 404. */
  async get(id: string): Promise<SessionShell> {
    const found = this.#shells.get(id);
    if (found) return found;
    throw new ApiError(404, 'session not found');
  }

  /** Throws the vendor's 404. */
  async command(sessionId: string, id: string): Promise<SessionCommand> {
    const found = (await this.get(sessionId)).commands.find((command) => command.id === id);
    if (found) return found;
    throw new ApiError(404, 'command not found');
  }

  async list(): Promise<readonly (readonly [id: string, shell: SessionShell])[]> {
    return Promise.all([...this.#shells].map(async ([id, shell]) => [id, await shell] as const));
  }

  async remove(id: string): Promise<void> {
    const shell = await this.get(id);
    this.#shells.delete(id);
    await shell.kill();
  }

  /** They are gone: the sandbox was stopped. */
  forget(): void {
    this.interrupt();
    this.#shells.clear();
  }

  /** Whoever follows a command loses it. */
  interrupt(): void {
    for (const shell of this.#shells.values()) {
      // One that never started has nobody who follows it.
      shell.then((started) => started.lose()).catch(() => undefined);
    }
  }
}
