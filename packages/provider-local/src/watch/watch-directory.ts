import { type Call, SandboxError, type WatchEvent } from '@gantry/core/driver';
import { hostProcess, type ProcessIdentity } from '@gantry/core/node';
import { openGuestDirectory } from './guest-directory.ts';
import { type TreeEvent, WatchedTree } from './watched-tree.ts';

/** Events that wait for a slow reader; then they are dropped and `overflow` says so. */
const mostWaiting = 10_000;
const lookEveryMs = 1_000;

/**
 * What changes below a directory of a sandbox, whoever changes it, seen by the host. A removed directory
 * is told once, with all that was in it. Ends by an error when the signal fires or the sandbox ends.
 */
export async function* watchDirectory(
  main: ProcessIdentity,
  directory: string,
  { recursive }: { readonly recursive: boolean },
  call: Call,
): AsyncGenerator<WatchEvent, void> {
  call.signal.throwIfAborted();
  const events = new WaitingEvents(directory);
  const fail = (error: unknown): void => events.fail(error);
  const tree = new WatchedTree(
    openGuestDirectory(main, directory),
    recursive,
    (event) => events.add(event),
    fail,
  );
  const abort = (): void => fail(call.signal.reason);
  call.signal.addEventListener('abort', abort, { once: true });
  const look = setInterval(() => {
    if (!hostProcess.isRunning(main))
      fail(new SandboxError('unavailable', 'the sandbox has ended'));
  }, lookEveryMs);
  try {
    for (;;) yield await events.next();
  } finally {
    clearInterval(look);
    call.signal.removeEventListener('abort', abort);
    tree.close();
  }
}

/** The events that nobody has taken yet. */
class WaitingEvents {
  readonly #prefix: string;
  #events: WatchEvent[] = [];
  /** The last that waits for each path: what is new, or has changed, need not be said to have changed again. */
  readonly #last = new Map<string, WatchEvent['kind']>();
  #failure: { readonly error: unknown } | undefined;
  #wake: (() => void) | undefined;

  constructor(directory: string) {
    this.#prefix = directory.replace(/\/+$/, '');
  }

  add(event: TreeEvent): void {
    if (event.kind === 'overflow' || this.#events.length >= mostWaiting) {
      this.#events = [{ kind: 'overflow' }];
      this.#last.clear();
    } else {
      const names = event.names.map((name) => Buffer.from(name, 'latin1').toString());
      const path = [this.#prefix, ...names].join('/');
      const last = this.#last.get(path);
      if (event.kind === 'changed' && (last === 'changed' || last === 'created')) return;
      this.#last.set(path, event.kind);
      this.#events.push({ kind: event.kind, path });
    }
    this.#wake?.();
  }

  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#wake?.();
  }

  async next(): Promise<WatchEvent> {
    for (;;) {
      if (this.#failure) throw this.#failure.error;
      const event = this.#events.shift();
      if (event) {
        if (this.#events.length === 0) this.#last.clear();
        return event;
      }
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}
