import type { ExecResult, Provider, Sandbox } from '@gantry/core';
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
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
  run(context: Context): Promise<void>;
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

interface Identity {
  readonly pid: number;
}

/** What the state directory says of a sandbox. */
export function recordOf(
  { stateDirectory }: Context,
  sandbox: Sandbox,
): { main: Identity; keeper: Identity; creator: Identity; uid?: number } {
  const file = path.join(stateDirectory, 'sandboxes', sandbox.ref.id, 'record.json');
  return JSON.parse(readFileSync(file, 'utf8'));
}

/** The name of a process's pid namespace, or `undefined` when it has ended. */
export function pidNamespace(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`);
  } catch {
    return undefined;
  }
}

/** The processes of a pid namespace that are no zombies. */
export function processesIn(namespace: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => pidNamespace(pid) === namespace);
}

/** Fails unless nothing of any sandbox is left: no directory, uid, mount. */
export function assertNothingLeft({ stateDirectory }: Context): void {
  for (const name of ['sandboxes', 'trash', 'uids']) {
    assert.deepEqual(readdirSync(path.join(stateDirectory, name)), [], `${name} must be empty`);
  }
  assert.ok(!readFileSync('/proc/self/mountinfo', 'utf8').includes(stateDirectory), 'no mount');
}

/** Waits until `condition` holds; fails after five seconds. */
export async function eventually(
  condition: () => boolean | Promise<boolean>,
  what: string,
): Promise<void> {
  const end = performance.now() + 5_000;
  while (!(await condition())) {
    assert.ok(performance.now() < end, `not within 5 s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
