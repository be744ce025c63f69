import { Presets, SingleBar } from 'cli-progress';
import type { DocumentOutcome } from './outcome.ts';
import { printable } from './printable.ts';

/** Tells people how far the job is. */
export interface Progress {
  finished(outcome: DocumentOutcome): void;
  stop(): void;
}

/** A bar on a terminal, one line for each document elsewhere. */
export function startProgress(total: number, stream: NodeJS.WriteStream): Progress {
  return stream.isTTY ? bar(total, stream) : lines(total, stream);
}

function bar(total: number, stream: NodeJS.WriteStream): Progress {
  const format = ' {bar} {value}/{total} documents | {name}';
  const one = new SingleBar({ format, stream, hideCursor: true }, Presets.shades_classic);
  one.start(total, 0, { name: '' });
  return {
    finished: ({ document }) => one.increment(1, { name: document.name }),
    stop: () => one.stop(),
  };
}

function lines(total: number, stream: NodeJS.WriteStream): Progress {
  let count = 0;
  return {
    finished({ document, milliseconds, failure }) {
      count++;
      const state = failure === undefined ? 'done' : `failed: ${printable(failure.message)}`;
      stream.write(`[${count}/${total}] ${document.name} (${milliseconds} ms) ${state}\n`);
    },
    stop: () => undefined,
  };
}
