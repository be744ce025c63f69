import { CliError, messageOf } from '../errors/cli-error.ts';

/** Where input comes from: one of node's readable streams of bytes. */
export type InputStream = AsyncIterable<Uint8Array> & { destroy(): unknown };

/** Input on its way to a command. */
export interface Feed {
  /** Rejects only when the source itself could not be read. */
  readonly done: Promise<void>;
  /** Stops reading the source. */
  stop(): void;
}

/** Moves a source to a command's input as fast as the command reads, then closes the input. */
export function feedInput(source: InputStream, input: WritableStream<Uint8Array>): Feed {
  const writer = input.getWriter();
  let stopped = false;
  // Told by `write` below; an input that closes while nothing is written is no news.
  writer.closed.catch(() => undefined);
  const move = async (): Promise<void> => {
    try {
      for await (const chunk of source) {
        if (!(await accepted(writer, chunk))) return;
      }
    } catch (error) {
      if (stopped) return;
      await writer.abort(error).catch(() => undefined);
      throw new CliError(`cannot read the input: ${messageOf(error)}`, {
        code: 'unknown',
        cause: error,
      });
    }
    // A command that has ended takes no end of input, and needs none.
    await writer.close().catch(() => undefined);
  };
  const done = move();
  done.catch(() => undefined);
  return {
    done,
    stop() {
      stopped = true;
      source.destroy();
    },
  };
}

/** False when the command has closed its input or has ended: its right, and no error. */
async function accepted(
  writer: WritableStreamDefaultWriter<Uint8Array>,
  chunk: Uint8Array,
): Promise<boolean> {
  try {
    await writer.write(chunk);
    return true;
  } catch {
    return false;
  }
}
