import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  ftruncateSync,
  openSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { Socket } from 'node:net';
import { SandboxError } from '../../errors/sandbox-error.ts';
import { openFifo } from '../fifo.ts';
import { type LaneStatus, LaneStatusReader } from './lane-status.ts';

/** The FIFOs of a lane, by suffix; `x` is a plain file beside them. */
export const laneFifos: readonly string[] = ['c', 's', 'i', 'o', 'e'];

/**
 * Bytes that the plain file of a lane holds at the least. Commands up to this length need no further disk: a guest that
 * filled it can still be told to clean up.
 */
export const reservedBytes = 4_096;

/** Opens the file that a lane takes its commands from, and makes it when it is missing. */
function openCommandFile(path: string): number {
  const descriptor = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW);
  try {
    const { size, mode } = fstatSync(descriptor);
    if (size < reservedBytes) {
      writeSync(descriptor, Buffer.alloc(reservedBytes, '\n'), 0, reservedBytes, 0);
    }
    // Whatever the umask: in a sandbox of root's, the lane runs under another uid.
    if ((mode & 0o777) !== 0o644) fchmodSync(descriptor, 0o644);
    return descriptor;
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

/** Makes the plain file of a lane whose FIFOs are there, before there is any need of it. */
export function prepareLane(path: string): void {
  closeSync(openCommandFile(`${path}.x`));
}

/** What a lane is told and what it says, one after the other. */
export class LaneChannel {
  /** The lane's files without their suffixes. */
  readonly path: string;
  /** Resolves, once, with why the lane cannot be used any more. */
  readonly lost: Promise<SandboxError>;
  readonly #command: number;
  readonly #trigger: number;
  readonly #status: Socket;
  readonly #reader: LaneStatusReader;
  readonly #unread: LaneStatus[] = [];
  #waiting: ((status: LaneStatus) => void) | undefined;
  /** Whether the lane owes an answer: its first word, or what becomes of a command. */
  #asked = true;
  #closed = false;
  #gone = false;
  #lose!: (error: SandboxError) => void;

  /** Opens the host's ends of the lane's FIFOs, which are there. */
  constructor(path: string) {
    this.path = path;
    this.lost = new Promise((resolve) => (this.#lose = resolve));
    const open: number[] = [];
    let status: number;
    try {
      open.push((this.#command = openCommandFile(`${path}.x`)));
      // Also open for reading, so that this open does not wait for the lane's own.
      open.push((this.#trigger = openFifo(`${path}.c`, 'read-write')));
      open.push((status = openFifo(`${path}.s`, 'read')));
    } catch (error) {
      open.forEach((descriptor) => closeSync(descriptor));
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
    this.#status.unref();
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Whether every process that could say something on the lane has ended or let go of it. */
  get gone(): boolean {
    return this.#gone;
  }

  /** Has the lane run a command. */
  run(text: string, input: boolean): void {
    const bytes = Buffer.from(text);
    const padded = Buffer.alloc(Math.max(bytes.length, reservedBytes), '\n');
    padded.set(bytes);
    let written = 0;
    while (written < padded.length) {
      written += writeSync(this.#command, padded, written, padded.length - written, written);
    }
    ftruncateSync(this.#command, padded.length);
    this.#asked = true;
    this.#status.ref();
    writeSync(this.#trigger, input ? '1\n' : '0\n');
  }

  /** Nothing runs on the lane: it lets the host process end, and has nothing to say. */
  idle(): void {
    this.#asked = false;
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
    // Whoever still waits for the command learns that nobody will say how it ended.
    this.#lose(
      new SandboxError('unavailable', 'the link to the sandbox was let go of', {
        outcome: 'unknown',
        retryable: false,
      }),
    );
    this.#status.destroy();
    closeSync(this.#trigger);
    closeSync(this.#command);
    for (const suffix of [...laneFifos, 'x']) rmSync(`${this.path}.${suffix}`, { force: true });
  }

  #receive(message: LaneStatus): void {
    if (message.kind === 'broken') return void this.fail(`its lane sent ${message.reason}`);
    if (!this.#asked) return void this.fail('its lane spoke while nothing ran on it');
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting) return waiting(message);
    this.#unread.push(message);
    // An honest lane is at the most two messages ahead: `p` and `x` of one command.
    if (this.#unread.length > 2) this.fail('its lane spoke too much');
  }
}
