import { closeSync, fchmodSync, ftruncateSync, openSync, rmSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { SandboxError } from '../../errors/sandbox-error.ts';
import { openFifo } from '../fifo.ts';
import { type LaneStatus, LaneStatusReader } from './lane-status.ts';

/** The FIFOs of a lane, by suffix; `x` is a plain file beside them. */
export const laneFifos: readonly string[] = ['c', 's', 'i', 'o', 'e'];

/** Longest run of empty lines that hides the rest of a longer command. */
const mostPadding = 16_384;

/** What a lane is told and what it says, one after the other. */
export class LaneChannel {
  /** The lane's files without their suffixes. */
  readonly path: string;
  /** Resolves, once, with why the lane cannot be used any more. */
  readonly lost: Promise<SandboxError>;
  readonly #trigger: number;
  readonly #command: number;
  #commandBytes = 0;
  readonly #status: Socket;
  readonly #reader: LaneStatusReader;
  readonly #unread: LaneStatus[] = [];
  #waiting: ((status: LaneStatus) => void) | undefined;
  #closed = false;
  #gone = false;
  #lose!: (error: SandboxError) => void;

  /** Opens the host's ends of the lane's FIFOs, which are there. */
  constructor(path: string) {
    this.path = path;
    this.lost = new Promise((resolve) => (this.#lose = resolve));
    const opened: number[] = [];
    const keep = (descriptor: number): number => {
      opened.push(descriptor);
      return descriptor;
    };
    let status: number;
    try {
      this.#command = keep(openSync(`${path}.x`, 'w'));
      // Whatever the umask: in a sandbox of root's, the lane runs under another uid.
      fchmodSync(this.#command, 0o644);
      status = keep(openFifo(`${path}.s`, 'read'));
      // Also open for reading, so that this open does not wait for the lane's own.
      this.#trigger = openFifo(`${path}.c`, 'read-write');
    } catch (error) {
      opened.forEach((descriptor) => closeSync(descriptor));
      throw error;
    }
    this.#reader = new LaneStatusReader((message) => this.#receive(message));
    this.#status = new Socket({ fd: status, readable: true, writable: false });
    this.#status.on('data', (bytes: Buffer) => this.#reader.push(bytes));
    this.#status.once('error', (error) => this.fail(error.message));
    this.#status.once('end', () => {
      this.#gone = true;
      this.fail(this.#reader.words || 'its lane ended');
    });
    this.idle();
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Whether every process that could say something on the lane has ended or let go of it. */
  get gone(): boolean {
    return this.#gone;
  }

  /** Has the lane run a command given as text. */
  trigger(text: string, input: boolean): void {
    const bytes = Buffer.from(text);
    const shorter = this.#commandBytes - bytes.length;
    // Written over, since on ext4 a file that is cut to nothing is flushed when it is closed. Nothing
    // stays of the last command, whose environment may hold a secret.
    if (shorter > mostPadding) ftruncateSync(this.#command, bytes.length);
    const padded = shorter > 0 && shorter <= mostPadding;
    const written = padded ? Buffer.concat([bytes, Buffer.alloc(shorter, '\n')]) : bytes;
    for (let offset = 0; offset < written.length; ) {
      offset += writeSync(this.#command, written, offset, written.length - offset, offset);
    }
    this.#commandBytes = written.length;
    this.#status.ref();
    writeSync(this.#trigger, input ? '1\n' : '0\n');
  }

  /** Lets the host process end while nothing runs on the lane. */
  idle(): void {
    this.#status.unref();
  }

  /**
   * The lane's next message. Rejects when the lane is lost; after `timeoutMs`, without which it waits
   * for ever, the lane counts as lost.
   */
  async next(what: string, timeoutMs?: number): Promise<LaneStatus> {
    const unread = this.#unread.shift();
    if (unread) return unread;
    const { promise, resolve, reject } = Promise.withResolvers<LaneStatus>();
    this.#waiting = resolve;
    void this.lost.then(reject);
    const timer =
      timeoutMs === undefined
        ? undefined
        : setTimeout(() => this.fail(`${what} took more than ${timeoutMs} ms`), timeoutMs);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Ends the use of the lane, and returns the error that `lost` resolves to. */
  fail(reason: string): SandboxError {
    const error = new SandboxError('unavailable', `the link to the sandbox broke: ${reason}`, {
      outcome: 'unknown',
      retryable: false,
    });
    this.#lose(error);
    this.close();
    return error;
  }

  /** Ends the lane as soon as its command has ended, and removes its files. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#status.destroy();
    closeSync(this.#trigger);
    closeSync(this.#command);
    for (const suffix of [...laneFifos, 'x']) rmSync(`${this.path}.${suffix}`, { force: true });
  }

  #receive(message: LaneStatus): void {
    if (message.kind === 'broken') return void this.fail(`its lane sent ${message.reason}`);
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting) return waiting(message);
    this.#unread.push(message);
    // An honest lane is at the most two messages ahead: `p` and `x` of one command.
    if (this.#unread.length > 2) this.fail('its lane sent messages that nobody asked for');
  }
}
