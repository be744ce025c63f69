import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises';

/** After the exit, an output that is silent at so many looks is held by a process that was left behind. */
const quietLooks = 12;
const betweenLooksMs = 20;

/**
 * Waits, after a process has ended, for what it wrote before; not for those who hold an output open after it.
 * `pieces` counts what has arrived.
 */
export async function untilQuiet(outputs: Promise<unknown>, pieces: () => number): Promise<void> {
  const ended = outputs.then(() => true);
  let seen = pieces();
  for (let looks = 0; looks < quietLooks; looks += 1) {
    if (await Promise.race([ended, delay(betweenLooksMs, false)])) return;
    // Between two looks the event loop has turned, so what the kernel held was read, however slow the machine is.
    await turn();
    if (pieces() !== seen) looks = 0;
    seen = pieces();
  }
}
