import type { BranchWorkshop } from './run-branch.ts';

/** Bytes of a branch's output that are kept: the end of it. */
const mostOutput = 16 << 10;

/** Runs a branch's command to its end, or until it is ended. */
export async function runCommand(
  command: string,
  { sandbox, signal, update }: BranchWorkshop,
): Promise<void> {
  await using running = await sandbox.spawn(command, { signal });
  const tail = new OutputTail((output, outputBytes) => update({ output, outputBytes }));
  await Promise.all([tail.read(running.stdout), tail.read(running.stderr)]);
  update({ exit: await running.exit });
}

/** The end of both outputs of a command, as they came. */
class OutputTail {
  readonly #tell: (text: string, totalBytes: number) => void;
  #tail: Buffer = Buffer.alloc(0);
  #total = 0;

  constructor(tell: (text: string, totalBytes: number) => void) {
    this.#tell = tell;
  }

  async read(stream: ReadableStream<Uint8Array>): Promise<void> {
    for await (const bytes of stream) {
      this.#total += bytes.length;
      this.#tail = Buffer.concat([this.#tail, bytes]).subarray(-mostOutput);
      this.#tell(this.#tail.toString('utf8'), this.#total);
    }
  }
}
