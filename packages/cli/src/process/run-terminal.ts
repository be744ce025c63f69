import type { Terminal } from '@gantry/core';
import type { Interrupts } from '../interrupts.ts';
import { messageOf } from '../errors/cli-error.ts';
import { note } from '../output/print.ts';
import { feedInput } from './feed-input.ts';
import { OutputPump } from './output-pump.ts';
import type { RunOutcome } from './run-process.ts';
import { hostSink, SinkFailed } from './sink.ts';

/**
 * Joins the user's terminal to one in a sandbox until that ends: keys go through as they are, so
 * Ctrl-C is the sandbox's, and the size follows. The user's terminal is put back as it was.
 */
export async function runTerminal(
  interrupts: Interrupts,
  open: () => Promise<Terminal>,
  output: NodeJS.WriteStream,
): Promise<RunOutcome> {
  const startedAt = performance.now();
  await using terminal = await open();
  using _signals = interrupts.handOver((signal) => {
    terminal.kill(signal === 'SIGINT' ? signal : 'SIGHUP').catch(warn);
  });
  const feed = feedInput(process.stdin, terminal.input);
  // Disposed in reverse: the terminal is put back before its input is destroyed.
  using _feed = { [Symbol.dispose]: () => feed.stop() };
  using _raw = rawMode();
  using _size = followSize(terminal);
  const pump = new OutputPump(terminal.output, hostSink(output));
  // Only a failure of the output counts here; its end is waited for after the exit.
  const failed = new Promise<never>((_, reject) => void pump.done.catch(reject));
  try {
    const exit = await Promise.race([terminal.exit, failed]);
    await pump.done;
    return { exit, lingering: false, durationMs: performance.now() - startedAt };
  } catch (error) {
    if (error instanceof SinkFailed) interrupts.outputFailed(error.cause);
    throw error;
  } finally {
    await pump.cancel();
  }
}

function rawMode(): Disposable {
  const restore = (): void => {
    process.stdin.setRawMode(false);
  };
  process.stdin.setRawMode(true);
  // Also when gantry ends in the middle: a terminal left raw is unusable.
  process.once('exit', restore);
  return {
    [Symbol.dispose]() {
      process.off('exit', restore);
      restore();
    },
  };
}

function followSize(terminal: Terminal): Disposable {
  const resize = (): void => {
    const { columns, rows } = process.stdout;
    terminal.resize({ columns, rows }).catch(warn);
  };
  process.stdout.on('resize', resize);
  return { [Symbol.dispose]: () => void process.stdout.off('resize', resize) };
}

function warn(error: unknown): void {
  note(messageOf(error));
}
