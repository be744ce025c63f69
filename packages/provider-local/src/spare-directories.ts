import { existsSync, mkdirSync, renameSync } from 'node:fs';
import path from 'node:path';
import type { Spare, SpareMaker } from './spare-maker.ts';
import { adoptUid } from './sandbox-uid.ts';
import type { SandboxPaths, StateDirectory } from './state-directory.ts';

/** Most spares that are kept, and made at a time when nobody waits. */
const most = 8;
const restMs = 50;
/** So many are kept when none has been taken for a while. */
const mostIdle = 2;
const idleAfterMs = 10_000;

/** Keeps directories of sandboxes to be, each with a keeper that waits, so that a create has less to do. */
export class SpareDirectories {
  readonly #state: StateDirectory;
  readonly #maker: SpareMaker;
  readonly #spares: Spare[] = [];
  #making: Promise<void> | undefined;
  #wanted = 0;
  #taken = 0;
  #idle: NodeJS.Timeout | undefined;

  constructor(state: StateDirectory, maker: SpareMaker) {
    this.#state = state;
    this.#maker = maker;
  }

  /**
   * Moves a spare to where a sandbox's directory belongs, and returns it: the caller launches or abandons it. A
   * directory that is there already, as of a sandbox that was suspended, gets what is not the guest's;
   * the rest stays in the spare's own for the caller to remove.
   */
  async take(paths: SandboxPaths): Promise<Spare> {
    this.#wanted += 1;
    this.#taken += 1;
    let fresh = false;
    try {
      for (;;) {
        const spare = this.#spares.shift();
        if (!spare) {
          // What was begun for others may have met something that is over by now, such as the loss of a spawner.
          await (this.#making ? this.#making.catch(() => undefined) : this.#make());
          fresh = true;
        } else if (existsSync(spare.directory) && (fresh || !spare.launcher.over)) {
          this.#move(spare, paths);
          return spare;
        } else {
          this.#discard(spare);
        }
      }
    } finally {
      this.#wanted -= 1;
      // A process that makes few sandboxes keeps few ready. Not at once, since now there is one to start; but
      // where spares do not last, they are not worth waiting for.
      if (this.#spares.length < Math.min(most / 2, this.#taken)) {
        setTimeout(() => void this.#make().catch(() => undefined), fresh ? 0 : restMs).unref();
      }
      clearTimeout(this.#idle);
      this.#idle = setTimeout(() => this.#shrink(), idleAfterMs).unref();
    }
  }

  #shrink(): void {
    const gone = this.#spares.filter(({ directory }) => !existsSync(directory));
    const kept = this.#spares.filter((spare) => !gone.includes(spare));
    for (const spare of [...gone, ...kept.splice(mostIdle)]) this.#discard(spare);
    this.#spares.splice(0, this.#spares.length, ...kept);
    // Begins small again.
    this.#taken = Math.min(this.#taken, mostIdle);
  }

  /** Emptied by hand or by a test, killed, or not needed. What is left of it is removed by a sweep at the latest. */
  #discard(spare: Spare): void {
    void this.#maker.discard(spare).catch(() => undefined);
  }

  /** Removes what nobody has taken, at the end of this process. */
  clear(): void {
    this.#maker.clear(this.#spares.splice(0));
  }

  #make(): Promise<void> {
    this.#making ??= this.#makeSome().finally(() => (this.#making = undefined));
    return this.#making;
  }

  async #makeSome(): Promise<void> {
    // The very first create waits for one only.
    const first = this.#taken === 1 && this.#wanted === 1;
    const count = first ? 1 : Math.min(most, 2 * this.#taken);
    this.#spares.push(...(await this.#maker.make(count)));
  }

  #move({ directory, overlaid }: Spare, paths: SandboxPaths): void {
    if (!existsSync(paths.directory)) {
      if (overlaid) {
        // In this order a uid always belongs to a directory that is there.
        mkdirSync(paths.directory, { mode: 0o700 });
        adoptUid(this.#state, overlaid.uid, paths.id);
      }
      return renameSync(directory, paths.directory);
    }
    for (const entry of ['go', 'time', 'report', 'launch', 'creator', 'control']) {
      renameSync(path.join(directory, entry), path.join(paths.directory, entry));
    }
  }
}
