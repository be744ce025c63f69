import { type Call, SandboxError, type WatchEvent } from '@gantry/core/driver';
import { type FilesystemEvent, FilesystemEventType } from 'e2b';
import { fromVendor } from './errors.ts';
import type { E2bHandle } from './handle.ts';

/** Events that wait for a slow reader; then they are dropped and `overflow` says so. */
const mostWaiting = 10_000;

const kinds: Readonly<Record<FilesystemEventType, WatchEvent['kind']>> = {
  [FilesystemEventType.CREATE]: 'created',
  [FilesystemEventType.WRITE]: 'changed',
  [FilesystemEventType.CHMOD]: 'changed',
  [FilesystemEventType.REMOVE]: 'removed',
  // Told of the old name; what is under a new one is created there.
  [FilesystemEventType.RENAME]: 'removed',
};

/** What changes below a directory, as the vendor's daemon in the sandbox sees it. */
export async function* watchDirectory(
  { sandbox }: E2bHandle,
  directory: string,
  { recursive }: { readonly recursive: boolean },
  call: Call,
): AsyncGenerator<WatchEvent, void> {
  call.signal.throwIfAborted();
  let waiting: WatchEvent[] = [];
  let ended: { readonly error: unknown } | undefined;
  let wake: () => void = () => undefined;
  const end = (error: unknown): void => {
    ended ??= { error };
    wake();
  };
  const prefix = directory.replace(/\/+$/, '');
  const take = ({ name, type }: FilesystemEvent): void => {
    const full = waiting.length >= mostWaiting;
    if (full) waiting = [{ kind: 'overflow' }];
    else waiting.push({ kind: kinds[type], path: `${prefix}/${name}` });
    wake();
  };
  const abort = (): void => end(call.signal.reason);
  call.signal.addEventListener('abort', abort, { once: true });
  const options = { recursive, timeoutMs: 0, onExit: (error?: Error) => end(stopped(error)) };
  try {
    const watch = await sandbox.files.watchDir(directory, take, options);
    try {
      for (;;) {
        const next = waiting.shift();
        if (next) yield next;
        else if (ended) throw ended.error;
        else await new Promise<void>((resolve) => (wake = resolve));
      }
    } finally {
      await watch.stop();
    }
  } catch (error) {
    throw fromVendor(error);
  } finally {
    call.signal.removeEventListener('abort', abort);
  }
}

function stopped(error?: Error): SandboxError {
  const message = `the watch was ended by the sandbox: ${error?.message ?? 'it has ended'}`;
  return new SandboxError('unavailable', message, { cause: error, outcome: 'unknown' });
}
