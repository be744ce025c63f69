import type { InputSource } from '../contract/sandbox.ts';
import { bytesOf } from './byte-source.ts';
import { giveBack } from './taken-chunks.ts';

/** Input on its way to a process. */
export interface Feeding {
  /** Resolves to the error of the source, if it had one; a process that stops reading is no error. */
  readonly failed: Promise<{ readonly error: unknown } | undefined>;
  stop(): void;
}

/** Writes a source to a process's input, as fast as the process reads. */
export function feedInput(source: InputSource, stdin: WritableStream<Uint8Array>): Feeding {
  const chunks = bytesOf(source);
  const writer = stdin.getWriter();
  const run = async (): Promise<{ error: unknown } | undefined> => {
    for (;;) {
      let next: IteratorResult<Uint8Array, void>;
      try {
        next = await chunks.next();
      } catch (error) {
        return { error };
      }
      try {
        if (next.done) {
          await writer.close();
          return undefined;
        }
        await writer.write(next.value);
        giveBack(next.value, stdin);
      } catch {
        // The process closed its input or ended: its right, and its exit status tells the rest.
        return undefined;
      }
    }
  };
  return {
    failed: run(),
    stop() {
      // A source that never yields again would keep `return` waiting, so nobody waits for it.
      void chunks.return().catch(() => undefined);
      void writer.abort(new Error('the process has ended')).catch(() => undefined);
    },
  };
}
