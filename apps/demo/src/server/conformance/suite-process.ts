import { fork, type ChildProcess } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { stopMessage, type SuiteMessage, type SuiteOrder } from './child-messages.ts';

const main = fileURLToPath(new URL(`suite-main${path.extname(import.meta.url)}`, import.meta.url));
/** The end of what the process has said outside its messages: why it died, if it did. */
const mostWords = 4_000;

/** A conformance run in a process of its own. */
export class SuiteProcess {
  readonly #child: ChildProcess;
  /** Resolves when the process is gone. */
  readonly ended: Promise<void>;

  /** `listen` hears its messages; a process that ends without a result is a `problem`. */
  constructor(
    order: SuiteOrder,
    environment: Readonly<Record<string, string>>,
    listen: (message: SuiteMessage) => void,
  ) {
    this.#child = fork(main, [JSON.stringify(order)], {
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    let said = '';
    let hasResult = false;
    this.#child.stderr?.on('data', (bytes: Buffer) => {
      said = (said + bytes.toString('utf8')).slice(-mostWords);
    });
    this.#child.on('message', (message) => {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- from this app's own program
      const heard = message as SuiteMessage;
      hasResult ||= !('progress' in heard);
      listen(heard);
    });
    this.ended = new Promise((resolve) => {
      const end = (problem: string): void => {
        if (!hasResult) listen({ problem });
        hasResult = true;
        resolve();
      };
      this.#child.once('error', (error) => end(`the suite could not be started: ${error.message}`));
      this.#child.once('close', (code, signal) =>
        end(`the suite's process ended with ${signal ?? code}: ${said.trim()}`),
      );
    });
  }

  /** Lets what runs come to its end and clean up. */
  stop(): void {
    if (this.#child.connected) this.#child.send(stopMessage);
  }
}
