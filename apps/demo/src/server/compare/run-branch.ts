import type { Sandbox } from '@gantry/core';
import type { BranchView } from '../../protocol/compare.ts';
import { describeError } from '../error-answer.ts';
import type { BranchContext } from './make-branches.ts';

/** Bytes of a branch's output that are kept: the end of it. */
const mostOutput = 16 << 10;
const mostDifferences = 500;

/** Runs a branch's command, keeps what it left as a snapshot, and compares that with where it began. */
export async function runBranch(
  { index, command }: BranchView,
  sandbox: Sandbox,
  { demo, signal, startedAt, snapshot }: BranchContext,
  update: (facts: Partial<BranchView>) => void,
): Promise<void> {
  const since = (): number => Date.now() - startedAt;
  try {
    await using running = await sandbox.spawn(command, { signal });
    const tail = new OutputTail((output, outputBytes) => update({ output, outputBytes }));
    await Promise.all([tail.read(running.stdout), tail.read(running.stderr)]);
    update({ exit: await running.exit, ranMs: since(), state: 'looking' });
    const taken = await sandbox.snapshot(demo.snapshots.store, { parent: snapshot, signal });
    const record = demo.sandboxes.find(sandbox.ref);
    await demo.snapshots.add(taken, {
      name: `after branch ${index + 1}`,
      ...{ sandbox: record?.id ?? '', sandboxName: record?.name ?? '' },
      emulated: record?.emulated ?? false,
      bytesStored: taken.work.bytesStored + taken.work.metadataBytes,
    });
    if (record) await demo.sandboxes.isAs(record.id, taken.id);
    const { differences, truncated } = await demo.snapshots.diff(snapshot, taken.id);
    update({
      ...{ state: 'done', comparedMs: since(), snapshot: taken.id, tree: taken.tree },
      differences: differences.slice(0, mostDifferences),
      differencesTruncated: truncated || differences.length > mostDifferences,
    });
  } catch (error) {
    update({ state: 'failed', error: describeError(error) });
  }
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
