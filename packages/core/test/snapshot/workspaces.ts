import { execFileSync } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { defineProvider } from '../../src/driver.ts';
import type { Provider, Sandbox } from '../../src/index.ts';
import type { DriverWrapper } from '../../src/contract/sandbox-driver.ts';
import { hostDriver, type HostDriverOptions } from '../host-driver.ts';
import { busyboxTools } from '../tool-sets.ts';

/** Which programs stand in for a sandbox's own. */
export type Tools = 'GNU' | 'busybox';
export const toolSets: readonly Tools[] = ['GNU', 'busybox'];

/** A provider of plain directories of the host, with real tools, and nothing but `spawn`. Disposing removes the tools. */
export function directoryProvider(
  tools: Tools,
  options: HostDriverOptions & { readonly wrap?: DriverWrapper } = {},
): Provider & Disposable {
  const busybox = tools === 'busybox' ? busyboxTools() : undefined;
  const driver = hostDriver({
    ...options,
    ...(busybox === undefined ? {} : { toolDirectory: busybox.directory }),
  });
  const plain = defineProvider(driver);
  const provider = options.wrap ? plain.wrap(options.wrap) : plain;
  return Object.assign(provider, { [Symbol.dispose]: () => busybox?.remove() });
}

/** Runs a script in a sandbox's workspace with the host's own tools, so that no test depends on the sandbox's. */
export function inWorkspace(sandbox: Sandbox, script: string): string {
  const directory = workspaceOf(sandbox);
  return execFileSync('/bin/bash', ['--norc', '-ec', script], {
    cwd: directory,
    encoding: 'latin1',
    maxBuffer: Infinity,
    env: { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC0' },
  });
}

const directories = new WeakMap<Sandbox, string>();

/** Where a sandbox of `directoryProvider` is on the host. */
export function workspaceOf(sandbox: Sandbox): string {
  const directory = directories.get(sandbox);
  if (directory === undefined) throw new Error('ask `openWorkspace` for this sandbox first');
  return directory;
}

/** Makes the directory of a sandbox known. */
export async function openWorkspace(sandbox: Sandbox): Promise<Sandbox> {
  const { stdout } = await sandbox.exec('pwd -P');
  directories.set(sandbox, stdout.text.trimEnd());
  return sandbox;
}

/** Waits until what was changed is old enough that a listing can tell whether it changes again. */
export async function untilSettled(): Promise<void> {
  await delay(1_200);
}
