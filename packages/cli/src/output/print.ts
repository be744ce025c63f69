import { printable } from './printable.ts';

/** Writes text to stdout as it is. */
export function print(text: string): void {
  process.stdout.write(text);
}

/** Writes the one JSON document that `--json` promises. */
export function printJson(document: unknown): void {
  process.stdout.write(`${JSON.stringify(document, undefined, 2)}\n`);
}

/** Says something about gantry's own doings, on stderr. */
export function note(text: string): void {
  process.stderr.write(`gantry: ${printable(text)}\n`);
}

/** Resolves once all that was written has left this process, or cannot leave it any more. */
export async function flush(): Promise<void> {
  await Promise.all([flushed(process.stdout), flushed(process.stderr)]);
}

function flushed(stream: NodeJS.WriteStream): Promise<void> {
  // The callback of an empty write comes after every earlier write, with an error if one failed.
  return new Promise((resolve) => {
    if (stream.destroyed || stream.writableEnded) resolve();
    else stream.write('', () => resolve());
  });
}
