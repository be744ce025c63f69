/** Which of a command's outputs. */
export type OutputName = 'stdout' | 'stderr';

/** A run of bytes of one output. */
export interface LogPiece {
  readonly output: OutputName;
  readonly bytes: Uint8Array;
}

/** Bytes that are kept for those who ask later; then the oldest are dropped. */
const keptBytes = 32 * 1024 * 1024;
/** Pieces that a follower may be behind; then the command waits for it. */
const mostBehind = 64;

/** What a command has written, for those who read it now and later. */
export class CommandLog {
  readonly #pieces: LogPiece[] = [];
  readonly #positions = new Set<{ next: number }>();
  #dropped = 0;
  #bytes = 0;
  #ended = false;
  #lost = false;
  #change = Promise.withResolvers<void>();

  get ended(): boolean {
    return this.#ended;
  }

  /** Resolves once every follower has room for more. */
  async append(output: OutputName, bytes: Uint8Array): Promise<void> {
    this.#pieces.push({ output, bytes });
    this.#bytes += bytes.length;
    while (this.#bytes > keptBytes && this.#pieces.length > mostBehind + 1) {
      this.#bytes -= this.#pieces.shift()?.bytes.length ?? 0;
      this.#dropped += 1;
    }
    this.#tell();
    while (this.#isAhead() && !this.#ended) await this.#change.promise;
  }

  /** Nothing more comes. `lost`: because the sandbox went away. */
  end(lost = false): void {
    this.#ended = true;
    this.#lost = lost;
    this.#tell();
  }

  /** Every piece from the beginning on, as far as it is kept, until the end. Throws where the sandbox went away. */
  async *follow(): AsyncGenerator<LogPiece, void> {
    const position = { next: this.#dropped };
    this.#positions.add(position);
    try {
      for (;;) {
        const piece = this.#pieces[position.next - this.#dropped];
        if (piece) {
          yield piece;
          position.next += 1;
          this.#tell();
        } else if (this.#lost) throw new Error('the sandbox is gone');
        else if (this.#ended) return;
        else await this.#change.promise;
      }
    } finally {
      this.#positions.delete(position);
      this.#tell();
    }
  }

  /** Every piece that is kept. */
  get pieces(): readonly LogPiece[] {
    return this.#pieces;
  }

  #isAhead(): boolean {
    const end = this.#dropped + this.#pieces.length;
    return [...this.#positions].some(({ next }) => end - next > mostBehind);
  }

  #tell(): void {
    this.#change.resolve();
    this.#change = Promise.withResolvers();
  }
}
