import type { Duplex } from 'node:stream';

/** How long a client may take for the first bytes that tell what it speaks. */
const openingMs = 60_000;

/**
 * Looks at the first bytes of a connection without taking them from who reads it next. Call `giveBack` before the connection
 * is handed on.
 */
export class Opening {
  readonly #socket: Duplex;
  readonly #patient: boolean;
  #held: Buffer = Buffer.alloc(0);

  constructor(socket: Duplex, options: { readonly patient?: boolean } = {}) {
    this.#socket = socket;
    this.#patient = options.patient === true;
  }

  /** Waits until so many bytes are there; `undefined` where the connection ends before. The result may hold more. */
  async atLeast(count: number): Promise<Buffer | undefined> {
    while (this.#held.length < count) {
      const more = await this.#read();
      if (more === undefined) return undefined;
      this.#held = this.#held.length === 0 ? more : Buffer.concat([this.#held, more]);
    }
    return this.#held;
  }

  /** Takes bytes away for good; they must be there. */
  take(count: number): Buffer {
    const taken = this.#held.subarray(0, count);
    this.#held = this.#held.subarray(count);
    return taken;
  }

  /** Puts back what was looked at. */
  giveBack(): void {
    if (this.#held.length > 0) this.#socket.unshift(this.#held);
    this.#held = Buffer.alloc(0);
  }

  async #read(): Promise<Buffer | undefined> {
    const socket = this.#socket;
    const now: unknown = socket.read();
    if (Buffer.isBuffer(now)) return now;
    if (socket.readableEnded || socket.destroyed) return undefined;
    return new Promise((resolve) => {
      const timer = this.#patient ? undefined : setTimeout(() => socket.destroy(), openingMs);
      const finish = (bytes: Buffer | undefined): void => {
        clearTimeout(timer);
        socket.off('readable', readable);
        socket.off('end', ended);
        socket.off('close', ended);
        resolve(bytes);
      };
      const readable = (): void => {
        const bytes: unknown = socket.read();
        if (Buffer.isBuffer(bytes)) finish(bytes);
      };
      const ended = (): void => finish(undefined);
      socket.on('readable', readable);
      socket.once('end', ended);
      socket.once('close', ended);
    });
  }
}
