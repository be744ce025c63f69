import type { ExecResult, Provider, Sandbox } from '@gantry/core';
import { hostProcess } from '@gantry/core/node';
import assert from 'node:assert/strict';
import { openSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import path from 'node:path';

/** What a scenario is given: a provider of its own, as root or as an ordinary user. */
export interface Context {
  readonly provider: Provider;
  readonly stateDirectory: string;
  /** A directory for anything else. */
  readonly scratch: string;
}

/** One statement about the provider, held under every user. */
export interface Scenario {
  readonly name: string;
  readonly run: (context: Context) => Promise<void>;
}

export const isRoot: boolean = process.getuid?.() === 0;

/** Runs a shell line that must succeed, and returns what it wrote. */
export async function shell(sandbox: Sandbox, line: string): Promise<string> {
  const result = await sandbox.exec(line);
  assert.ok(result.ok, `${line}: ${describe(result)}`);
  return result.stdout.text;
}

export function describe(result: ExecResult): string {
  return `${JSON.stringify(result.exit)} ${result.stdout.text} ${result.stderr.text}`;
}

/** What the tests read of a record. */
export interface RecordOnDisk {
  readonly cgroups: readonly { readonly path: string }[];
  readonly main: { pid: number };
  readonly keeper: { pid: number };
  readonly uid?: number;
}

/** Everything that an asynchronous iterable yields. */
export async function collectAll<T>(source: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of source) all.push(item);
  return all;
}

/** What the state directory says of a sandbox. */
export function recordOf({ stateDirectory }: Context, sandbox: Sandbox): RecordOnDisk {
  const file = path.join(stateDirectory, 'sandboxes', sandbox.ref.id, 'record.json');
  return JSON.parse(readFileSync(file, 'utf8')) as RecordOnDisk;
}

/**
 * The pid namespace of a sandbox that runs. It is held open until this process ends: else its name is
 * given to the next sandbox that anybody makes, and that one's processes would pass for this one's.
 */
export function namespaceOf(context: Context, sandbox: Sandbox): string {
  const { pid } = recordOf(context, sandbox).main;
  openSync(`/proc/${pid}/ns/pid`, 'r');
  const namespace = pidNamespace(pid);
  assert.ok(namespace, 'the sandbox runs');
  return namespace;
}

/** The name of a process's pid namespace, or `undefined` when it has ended. */
export function pidNamespace(pid: number): string | undefined {
  // A zombie has one until somebody takes note of its end, which nobody may do for long.
  if (hostProcess.identifyProcess(pid) === undefined) return undefined;
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`);
  } catch {
    return undefined;
  }
}

/** The processes of a pid namespace that have not ended. */
export function processesIn(namespace: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => pidNamespace(pid) === namespace);
}

/** Fails unless nothing of any sandbox is left: no directory, uid, mount. */
export function assertNothingLeft({ stateDirectory }: Context): void {
  for (const name of ['layers', 'sandboxes', 'trash']) {
    assert.deepEqual(readdirSync(path.join(stateDirectory, name)), [], `${name} must be empty`);
  }
  const uids = path.join(stateDirectory, 'uids');
  const spares = readdirSync(path.join(stateDirectory, 'spares'));
  const taken = readdirSync(uids).map((uid) => readlinkSync(path.join(uids, uid)));
  assert.deepEqual(
    taken.filter((holder) => !spares.includes(holder)),
    [],
    'uids are those of spares',
  );
  assert.ok(!readFileSync('/proc/self/mountinfo', 'utf8').includes(stateDirectory), 'no mount');
}

/** How long to wait for what is sure to come, also on a machine that has much else to do. */
const patienceMs = 60_000;

/** Waits until `condition` holds; fails after a minute. */
export async function eventually(
  condition: () => boolean | Promise<boolean>,
  what: string,
): Promise<void> {
  const end = performance.now() + patienceMs;
  while (!(await condition())) {
    assert.ok(performance.now() < end, `not within ${patienceMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
