/** After the exit, an output whose reader has waited this long for the next bytes has been left to another process. */
const lingerMs = 500;
/** The same of an output that the provider itself ends with the command: its log may come late, but not for ever. */
const lateLogMs = 60_000;

/** One output that somebody reads. */
export interface ReadOutput {
  /** Settles when the output has ended, failed or was let go of. */
  readonly ended: Promise<unknown>;
  /** `performance.now()` since when its reader waits for bytes. Absent while the reader is busy: then silence says nothing. */
  waitingSince(): number | undefined;
}

/**
 * Waits, after the exit, for the ends of its outputs; `lingering` where one stays open and silent: held by a process that was left
 * behind, or, where the provider itself ends outputs with their command, lost. There a log that comes late is not cut. Rejects with
 * the error of an output that fails.
 */
export async function untilDrained(
  outputs: readonly ReadOutput[],
  lingering: 'told' | 'untold' | undefined,
): Promise<'ended' | 'lingering'> {
  const ended = Promise.all(outputs.map((output) => output.ended));
  const patience = lingering === 'untold' ? lateLogMs : lingerMs;
  const exitedAt = performance.now();
  const quietSince = (): number =>
    Math.max(exitedAt, ...outputs.map((output) => output.waitingSince() ?? performance.now()));
  for (;;) {
    const since = quietSince();
    const wait = since + patience - performance.now();
    if (await endsWithin(ended, Math.max(wait, 0))) return 'ended';
    // Bytes that arrived while this process was busy have moved it by now.
    if (quietSince() === since) return 'lingering';
  }
}

async function endsWithin(ended: Promise<unknown>, milliseconds: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    // One more turn of the event loop: what the kernel already holds is read before time is up.
    timer = setTimeout(() => setImmediate(() => resolve(false)), milliseconds);
  });
  try {
    return await Promise.race([ended.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** An output that is handed on: how long its reader waits can be seen from here. */
export interface WatchedOutput extends ReadOutput {
  readonly stream: ReadableStream<Uint8Array>;
}

/** Hands an output on, piece by piece as it is asked for. */
export function watchOutput(output: ReadableStream<Uint8Array>): WatchedOutput {
  const reader = output.getReader();
  const over = Promise.withResolvers<void>();
  let since: number | undefined;
  let isOver = false;
  const end = (): void => {
    isOver = true;
    over.resolve();
  };
  const stream = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        since = performance.now();
        try {
          const { done, value } = await reader.read();
          if (!done) controller.enqueue(value);
          else {
            controller.close();
            end();
          }
        } catch (error) {
          // Its reader hears of it, and whoever waits for the end goes on.
          end();
          throw error;
        } finally {
          since = undefined;
        }
      },
      async cancel(reason) {
        end();
        await reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
  return { stream, ended: over.promise, waitingSince: () => (isOver ? 0 : since) };
}

/** An output that ends once, after the exit, its reader has waited so long for nothing. */
export function endingOutput(
  output: ReadableStream<Uint8Array>,
  exit: Promise<unknown>,
): ReadableStream<Uint8Array> {
  const reader = output.getReader();
  let hasExited = false;
  let onExit = (): void => undefined;
  const exited = (): void => {
    hasExited = true;
    onExit();
  };
  exit.then(exited, exited);
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const silent = Promise.withResolvers<'silent'>();
        let timer: NodeJS.Timeout | undefined;
        const count = (): void => {
          timer = setTimeout(() => setImmediate(() => silent.resolve('silent')), lingerMs);
        };
        if (hasExited) count();
        else onExit = count;
        try {
          const next = await Promise.race([reader.read(), silent.promise]);
          if (next === 'silent' || next.done) controller.close();
          else controller.enqueue(next.value);
          // What is read no more is let go of; that it failed meanwhile is nobody's loss.
          if (next === 'silent') reader.cancel().catch(() => undefined);
        } finally {
          clearTimeout(timer);
          onExit = () => undefined;
        }
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}
