import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { defineProvider, type Provider } from '@gantry/core/driver';
import { directoryDriver } from './directory-driver.ts';

/**
 * `open`: a mount namespace of its own and nothing else, the whole host bound into it.
 * `capable`: every namespace, and root's capabilities kept: bubblewrap as plain root.
 */
export type Weakness = 'open' | 'capable';

/**
 * A subject that claims isolation and has little: bubblewrap started by root, a process for each
 * command. The isolation checks must fail on it.
 */
export function weakBubblewrap(weakness: Weakness): Provider {
  const driver = directoryDriver({ guest: 'caller' });
  const { spec, traits } = driver;
  const views = weakness === 'open' ? wholeHost() : allNamespaces();
  return defineProvider({
    spec,
    id: driver.id,
    traits: { ...traits, isolation: 'process' },
    inspect: (ref, call) => driver.inspect(ref, call),
    release: (handle) => driver.release(handle),
    destroy: (ref, call) => driver.destroy(ref, call),
    ...(driver.inventory ? { inventory: driver.inventory } : {}),
    create: async (request, call) => inside(await driver.create(request, call)),
    connect: async (ref, call) => inside(await driver.connect(ref, call)),
    spawn(handle, command, call) {
      const directory = execDirectory.get(handle) ?? '';
      const line = ['bwrap', ...views, '--bind', directory, '/workspace', '--chdir', command.cwd];
      return driver.spawn(
        handle,
        { ...command, argv: ['bwrap', ...line.slice(1), '--', ...command.argv], cwd: '/' },
        call,
      );
    },
  });
}

const execDirectory = new WeakMap<object, string>();

function inside<Handle extends { workspace?: string }>(handle: Handle): Omit<Handle, 'workspace'> {
  const { workspace, ...rest } = handle;
  execDirectory.set(rest, workspace ?? '');
  return rest;
}

function wholeHost(): string[] {
  const tops = readdirSync('/').filter((name) => name !== 'workspace');
  return tops.flatMap((name) => [name === 'dev' ? '--dev-bind' : '--bind', `/${name}`, `/${name}`]);
}

function allNamespaces(): string[] {
  const tops = ['bin', 'lib', 'lib64', 'sbin', 'etc', 'usr'].filter((name) =>
    readdirSync('/').includes(name),
  );
  const view = tops.flatMap((name) => ['--ro-bind', `/${name}`, `/${name}`]);
  return ['--unshare-all', ...view, '--proc', '/proc', '--dev', '/dev', '--tmpfs', '/tmp'];
}

/** Whether this machine can make the weak subjects: root, and bubblewrap. */
export function canBeWeak(): boolean {
  try {
    execFileSync('bwrap', ['--version']);
    return process.getuid?.() === 0;
  } catch {
    return false; // No bubblewrap here.
  }
}
