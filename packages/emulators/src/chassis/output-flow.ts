import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises';

/** After the exit, an output that is silent at so many looks is held by a process that was left behind. */
const quietLooks = 12;
const betweenLooksMs = 20;

/** What a process writes, on its way to those who read it. */
export class OutputFlow {
  #pieces = 0;
  #waiting = 0;

  /** Counts one piece, and waits until it is handed on. An output that a slow reader holds up is not a silent one. */
  async pass(handedOn: Promise<unknown>): Promise<void> {
    this.#pieces += 1;
    this.#waiting += 1;
    try {
      await handedOn;
    } finally {
      this.#waiting -= 1;
    }
  }

  /**
   * Waits, after the process has ended, for what it wrote before to be handed on; not for those who hold an output
   * open after it.
   */
  async untilQuiet(outputs: Promise<unknown>): Promise<void> {
    const ended = outputs.then(() => true);
    let seen = this.#pieces;
    for (let looks = 0; looks < quietLooks; looks += 1) {
      if (await Promise.race([ended, delay(betweenLooksMs, false)])) return;
      // Between two looks the event loop has turned, so what the kernel held was read, however slow the machine is.
      await turn();
      if (this.#waiting > 0 || this.#pieces !== seen) looks = 0;
      seen = this.#pieces;
    }
  }
}
