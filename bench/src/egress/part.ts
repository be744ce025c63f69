import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';

/** A program of the benchmark that runs in a process of its own. */
export interface Part extends Disposable {
  readonly ports: readonly number[];
  readonly authority: string;
}

/** Starts a sibling program and waits for the line in which it says where it is. It ends when it is disposed, or with this process. */
export async function startPart(name: string, parameters: readonly string[]): Promise<Part> {
  const file = path.join(import.meta.dirname, name + path.extname(import.meta.filename));
  const child: ChildProcess = spawn(process.execPath, [file, ...parameters], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  if (child.stdout === null) throw new Error(`${name} has no output`);
  const lines = createInterface({ input: child.stdout });
  const ended = once(child, 'exit').then(() => {
    throw new Error(`${name} ended before it was ready`);
  });
  const [line] = (await Promise.race([once(lines, 'line'), ended])) as [string];
  ended.catch(() => undefined);
  const said = JSON.parse(line) as { ports: number[]; authority?: string };
  return {
    ports: said.ports,
    authority: said.authority ?? '',
    [Symbol.dispose]: () => child.stdin?.end(),
  };
}
