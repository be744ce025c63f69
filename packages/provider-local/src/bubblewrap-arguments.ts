import { guestHome, guestId, guestName } from './synthetic-etc.ts';

/**
 * Bytes of memory that a guest can fill in each of its own file systems. Together at most half of the
 * sandbox's memory: files there cannot be freed by killing a process.
 */
function fileSystemSizes(memoryBytes = Infinity): { tmp: number; run: number; shm: number } {
  const most = (bytes: number, part: number): number =>
    Math.floor(Math.min(bytes, memoryBytes / part));
  return { tmp: most(512 << 20, 4), run: most(64 << 20, 8), shm: most(64 << 20, 8) };
}

/** Where the agent's control directory is in the sandbox. */
const guestControl = '/run/gantry';

/** The environment that every command starts from. */
const environment: Readonly<Record<string, string>> = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  HOME: guestHome,
  USER: guestName,
  LOGNAME: guestName,
  SHELL: '/bin/sh',
  LANG: 'C.UTF-8',
};

/** A bind mount, by bubblewrap's path of the source. */
export interface Bind {
  readonly source: string;
  readonly target: string;
  readonly writable: boolean;
}

/** What differs between two sandboxes. Paths are as bubblewrap sees them. */
export interface SandboxLayout {
  /** A directory that is the root, and that the guest can write. Absent: the root is made of `base` alone and is read-only. */
  readonly root?: string;
  readonly base: readonly string[];
  readonly workspace: string;
  readonly control: string;
  readonly binds: readonly Bind[];
  /** The lanes that the agent starts by itself. */
  readonly lanes: readonly string[];
  readonly infoDescriptor: number;
  readonly seccompDescriptor: number;
  /** Most memory of the sandbox. */
  readonly memoryBytes?: number;
}

/**
 * The arguments that make bubblewrap 0.8 or later build the sandbox. Every control of the isolation
 * is in here or in the launcher around it; `checkMainProcess` asks the kernel whether they hold.
 */
export function bubblewrapArguments(layout: SandboxLayout): string[] {
  const sizes = fileSystemSizes(layout.memoryBytes);
  return [
    // --disable-userns needs the explicit --unshare-user.
    ...['--unshare-user', '--unshare-all', '--disable-userns'],
    ...['--uid', String(guestId), '--gid', String(guestId), '--hostname', guestName],
    ...['--cap-drop', 'ALL', '--new-session', '--die-with-parent', '--as-pid-1'],
    ...['--info-fd', String(layout.infoDescriptor), '--seccomp', String(layout.seccompDescriptor)],
    '--clearenv',
    ...Object.entries(environment).flatMap(([name, value]) => ['--setenv', name, value]),
    ...(layout.root === undefined ? [] : ['--bind', layout.root, '/']),
    ...layout.base,
    // Some files below /proc/sys ask who the host's user is, not which capabilities it has.
    ...['--proc', '/proc', '--ro-bind', '/proc/sys', '/proc/sys'],
    ...['--dev', '/dev', ...memory('/dev/shm', sizes.shm, '1777')],
    ...memory('/tmp', sizes.tmp, '1777'),
    ...memory('/run', sizes.run, '0755'),
    // Read-only: a guest can write into the FIFOs, but not replace them.
    ...['--ro-bind', layout.control, guestControl],
    ...['--bind', layout.workspace, '/workspace'],
    ...layout.binds.flatMap(({ source, target, writable }) => [
      ...[writable ? '--bind' : '--ro-bind', source, target],
    ]),
    ...['--remount-ro', '/dev', ...(layout.root === undefined ? ['--remount-ro', '/'] : [])],
    ...['--chdir', '/workspace'],
    ...['/bin/sh', `${guestControl}/agent`, guestControl, ...layout.lanes],
  ];
}

function memory(target: string, bytes: number, mode: string): string[] {
  return ['--size', String(bytes), '--perms', mode, '--tmpfs', target];
}
