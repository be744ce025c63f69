import { accessSync, constants, readFileSync } from 'node:fs';
import path from 'node:path';
import { isErrno } from '../errors.ts';

/** What a control group can do for a sandbox. `cpuacct`: how much processor time it has used. */
export type CgroupControl = 'memory' | 'pids' | 'cpu' | 'cpuacct' | 'freeze';

/** A directory of a control group hierarchy, and what groups in it can do. */
export interface CgroupDirectory {
  readonly path: string;
  readonly version: 1 | 2;
  readonly controls: readonly CgroupControl[];
}

/**
 * Where this process may make control groups. Below its own group, so that what limits this process
 * limits its sandboxes too. Empty where none is writable, as for most ordinary users.
 */
export function findCgroups(
  read: (file: string) => string = (file) => readFileSync(file, 'utf8'),
  writable: (file: string) => boolean = isWritable,
): readonly CgroupDirectory[] {
  const own = parseMembership(read('/proc/self/cgroup'));
  const mounts = parseMounts(read('/proc/self/mountinfo'));
  const found = mounts.flatMap((mount): CgroupDirectory[] => {
    if (mount.version === 2) return unified(mount, own.get('') ?? '/', read, writable);
    const controls = mount.controllers.flatMap((name) => (isV1Control(name) ? [name] : []));
    const member = mount.controllers
      .map((name) => own.get(name))
      .find((group) => group !== undefined);
    const directory = inside(mount, member ?? '/');
    return controls.length > 0 && writable(directory)
      ? [{ path: directory, version: 1, controls }]
      : [];
  });
  return withoutRepeats(found);
}

interface Mount {
  readonly root: string;
  readonly point: string;
  readonly version: 1 | 2;
  readonly controllers: readonly string[];
}

/** Lines of /proc/self/cgroup, cgroups(7): `4:memory:/path`, and `0::/path` for version 2. */
function parseMembership(text: string): ReadonlyMap<string, string> {
  return new Map(
    text.split('\n').flatMap((line): [string, string][] => {
      const [, names, group] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
      if (names === undefined || group === undefined) return [];
      return names.split(',').map((name) => [name, group]);
    }),
  );
}

/** Lines of /proc/self/mountinfo, proc_pid_mountinfo(5); after ` - ` come type, source and options. */
function parseMounts(text: string): Mount[] {
  return text.split('\n').flatMap((line): Mount[] => {
    const [front = '', back = ''] = line.split(' - ');
    const [, , , root, point] = front.split(' ');
    const [type, , options = ''] = back.split(' ');
    if (root === undefined || point === undefined) return [];
    if (type === 'cgroup2') return [{ root, point, version: 2, controllers: [] }];
    return type === 'cgroup' ? [{ root, point, version: 1, controllers: options.split(',') }] : [];
  });
}

/** The directory of a group, where the mount shows it; else the topmost that the mount shows. */
function inside({ root, point }: Mount, group: string): string {
  const below = path.posix.relative(root, group);
  return below.startsWith('..') ? point : path.posix.join(point, below);
}

/**
 * In version 2 a group with processes cannot hand controllers on. So a sandbox's group is made in the
 * nearest group above that does, and where there is none in the own one, to freeze and to count.
 */
function unified(
  mount: Mount,
  group: string,
  read: (file: string) => string,
  writable: (file: string) => boolean,
): CgroupDirectory[] {
  let fallback: CgroupDirectory | undefined;
  for (let directory = inside(mount, group); ; directory = path.posix.dirname(directory)) {
    // To move a process one must be allowed to write to the nearest group above both its places.
    if (writable(directory) && writable(`${directory}/cgroup.procs`)) {
      const handed = read(`${directory}/cgroup.subtree_control`).trim().split(/\s+/);
      const limits = (['memory', 'pids', 'cpu'] as const).filter((name) => handed.includes(name));
      const controls: CgroupControl[] = [...limits, 'cpuacct', 'freeze'];
      const here: CgroupDirectory = { path: directory, version: 2, controls };
      if (limits.includes('memory') && limits.includes('pids')) return [here];
      fallback ??= here;
    }
    if (directory === mount.point || directory === '/') return fallback ? [fallback] : [];
  }
}

/** Each control once: from version 2 where both have it. */
function withoutRepeats(found: readonly CgroupDirectory[]): CgroupDirectory[] {
  const taken = new Set<CgroupControl>();
  return found
    .toSorted((a, b) => b.version - a.version)
    .flatMap((directory) => {
      const controls = directory.controls.filter((control) => !taken.has(control));
      for (const control of controls) taken.add(control);
      return controls.length > 0 ? [{ ...directory, controls }] : [];
    });
}

function isV1Control(name: string): name is CgroupControl {
  // Processes that version 1 has frozen cannot be killed, so it is no way to suspend a sandbox.
  return ['memory', 'pids', 'cpu', 'cpuacct'].includes(name);
}

function isWritable(file: string): boolean {
  try {
    accessSync(file, constants.W_OK);
    return true;
  } catch (error) {
    if (['EACCES', 'EROFS', 'ENOENT', 'EPERM'].some((name) => isErrno(error, name))) return false;
    throw error;
  }
}
