import { Socket } from 'node:net';
import { hostProcess, type ProcessIdentity } from '@gantry/core/node';

const mostOutput = 64 * 1024;

/** What a keeper and its sandbox say to the end of both. Bounded: a root file system may say anything. */
export class LaunchReport {
  text = '';
  main: ProcessIdentity | undefined;
  keeper: ProcessIdentity | undefined;
  timer: ProcessIdentity | undefined;
  /** Whether every process that could say something has ended. */
  over = false;
  /** Resolves when the agent has said its first words, or nobody is left to say any. */
  readonly ready: Promise<void>;
  /** Resolves when every process of the sandbox and its keeper has ended. */
  readonly ended: Promise<void>;
  readonly #socket: Socket;

  constructor(descriptor: number) {
    this.#socket = new Socket({ fd: descriptor, readable: true, writable: false });
    const ready = Promise.withResolvers<void>();
    this.ready = ready.promise;
    this.ended = new Promise((resolve) => this.#socket.once('close', () => resolve()));
    this.#socket.setEncoding('latin1').on('data', (text: string) => {
      if (this.text.length < mostOutput) this.text += text;
      // The keeper and bubblewrap speak before anything of the root file system runs.
      this.keeper ??= this.#identity(/^keeper (\d{1,10})$/m);
      this.timer ??= this.#identity(/^timer (\d{1,10})$/m);
      this.main ??= this.#identity(/"child-pid": *(\d{1,10})\b/);
      if (/^gantry-agent 1 (open|closed)\n/m.test(this.text)) ready.resolve();
    });
    this.#socket.once('error', () => this.#socket.destroy());
    this.#socket.once('close', () => {
      this.over = true;
      ready.resolve();
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  ref(): void {
    this.#socket.ref();
  }

  unref(): void {
    this.#socket.unref();
  }

  #identity(pattern: RegExp): ProcessIdentity | undefined {
    const pid = Number(pattern.exec(this.text)?.[1] ?? 0);
    return pid > 1 ? hostProcess.identifyProcess(pid) : undefined;
  }
}
