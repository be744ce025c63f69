import { createReadStream } from 'node:fs';
import { ByteProgress, formatBytes } from '../../output/byte-progress.ts';
import { note, print, printJson } from '../../output/print.ts';
import type { Session } from '../../session.ts';
import { openStore, type StoreOptions } from '../../snapshot-store.ts';

/** Options of `gantry snapshot import`. */
export interface ImportSnapshotOptions extends StoreOptions {
  readonly directory?: string;
}

/** `gantry snapshot import`: a snapshot of a tar file. Returns the exit code. */
export async function importSnapshot(
  session: Session,
  file: string,
  options: ImportSnapshotOptions,
): Promise<number> {
  const { importTar } = await import('@gantry/core/snapshot');
  const store = await openStore(options);
  using progress = new ByteProgress('importing', session.verbose);
  const source = file === '-' ? process.stdin : createReadStream(file);
  const taken = await importTar(bytesOf(source), store, {
    signal: session.interrupts.signal,
    onProgress: progress.report,
    name: file === '-' ? 'the input' : file,
    ...(options.directory === undefined ? {} : { directory: options.directory }),
  });
  progress[Symbol.dispose]();
  if (session.json) printJson({ snapshot: taken });
  else {
    print(`${taken.id}\n`);
    note(`${taken.contents.files} files, ${formatBytes(taken.contents.bytes)}`);
  }
  return 0;
}

async function* bytesOf(source: AsyncIterable<unknown>): AsyncGenerator<Uint8Array, void> {
  for await (const chunk of source) {
    if (!(chunk instanceof Uint8Array)) throw new TypeError('a file was read as text');
    yield chunk;
  }
}
