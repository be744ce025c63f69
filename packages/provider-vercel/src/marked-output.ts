import { SandboxError } from '@gantry/core/driver';
import { noDirectory } from '@gantry/core/node';

/** Finds the line by which a command says that it has begun, and takes it out of the output that carries it. */
export class BeginMark {
  /** The process id. Rejects where the command did not begin. */
  readonly begun: Promise<number>;
  readonly #begin = Promise.withResolvers<number>();
  readonly #mark: string;
  #held: string | undefined = '';

  constructor(mark: string) {
    this.#mark = mark;
    this.begun = this.#begin.promise;
    this.begun.catch(() => undefined); // Whoever waits for it is told.
  }

  get came(): boolean {
    return this.#held === undefined;
  }

  /** What of a piece of the output is the command's own. What comes before the mark is the launcher's. */
  take(text: string): string {
    if (this.#held === undefined) return text;
    this.#held += text;
    const found = this.#held.indexOf(this.#mark);
    const end = found < 0 ? -1 : this.#held.indexOf('\n', found);
    if (end < 0) return '';
    const word = this.#held.slice(found + this.#mark.length, end).trim();
    if (word.startsWith('p')) this.#begin.resolve(Number(word.slice(1)));
    else this.#begin.reject(word === 'u' ? noUser() : noDirectory());
    const rest = this.#held.slice(end + 1);
    this.#held = undefined;
    return rest;
  }

  /** It never came. */
  lose(error: unknown): void {
    this.#begin.reject(error);
  }
}

function noUser(): SandboxError {
  return new SandboxError('invalid-argument', 'the sandbox has no such user');
}
