import { readFileSync } from 'node:fs';
import type { Provider, Sandbox } from '@gantry/core';
import { runTrue, type Wanted } from './lives.ts';

/** As many as keep the processors busy; more would only wait. */
const inFlight = 8;

/** Mean times of one of many, in milliseconds, and the memory of one, in MiB. */
export interface Many {
  readonly start: number;
  readonly memory: number;
  readonly commands: readonly number[];
  readonly destroy: number;
}

/** So many sandboxes alive at once: started, each with a command twice, and destroyed. */
export async function many(provider: Provider, count: number, wanted: Wanted): Promise<Many> {
  const sandboxes: Sandbox[] = [];
  const at = (index: number): Sandbox => {
    const sandbox = sandboxes[index];
    if (!sandbox) throw new Error(`there is no sandbox ${index}`);
    return sandbox;
  };
  const before = available();
  const start = await each(count, async (index) => {
    sandboxes[index] = await provider.create(wanted);
  });
  const memory = (before - available()) / count;
  const commands: number[] = [];
  for (let turn = 0; turn < 2; turn++) {
    commands.push(await each(count, (index) => runTrue(at(index))));
  }
  const destroy = await each(count, (index) => at(index).destroy());
  return { start, memory, commands, destroy };
}

/** The mean time of one, of all done with a bounded number in flight. */
async function each(count: number, work: (index: number) => Promise<void>): Promise<number> {
  const begin = performance.now();
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  return (performance.now() - begin) / count;
}

/** What the machine has left, in MiB, with what it would give back at once. */
function available(): number {
  return Number(/^MemAvailable:\s+(\d+)/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1]) / 1024;
}
