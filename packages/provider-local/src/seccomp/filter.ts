import {
  actions,
  dataOffsets,
  end,
  type Instruction,
  load,
  mask,
  unless,
  when,
} from './program.ts';
import { inspectedCalls, refusedCalls, type SyscallNumbers } from './syscall-numbers.ts';

/** The machines that there is a filter for, as `process.arch` names them. */
export type FilterArchitecture = keyof SyscallNumbers;

/** Whether there is a filter for a machine. */
export function hasFilter(architecture: string): architecture is FilterArchitecture {
  return architecture === 'x64' || architecture === 'arm64';
}

// linux/audit.h: ELF machine | 64-bit | little-endian.
const auditArchitectures = { x64: 0xc000003e, arm64: 0xc00000b7 } as const;
/** Set in the numbers of the x32 interface (arch/x86/include/uapi/asm/unistd.h). */
const X32_BIT = 0x40000000;

// asm-generic/errno-base.h and errno.h; both machines use these.
const EPERM = 1;
const ENOSYS = 38;
const EAFNOSUPPORT = 97;

/** CLONE_NEW* of linux/sched.h that fit into clone's flags: mount, cgroup, uts, ipc, user, pid, net. */
const NEW_NAMESPACES = 0x7e020000;

// linux/socket.h and linux/net.h.
const AF_UNIX = 1;
const AF_INET = 2;
const AF_INET6 = 10;
const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_PACKET = 10;
const TYPE_MASK = 0xf;
const NETLINK_ROUTE = 0;

// asm-generic/ioctls.h: put input into a terminal's queue, and into a virtual console's selection.
const TIOCSTI = 0x5412;
const TIOCLINUX = 0x541c;

const argument = (index: number): Instruction => load(dataOffsets.argument(index));
const refuse = end(actions.error(EPERM));
const allow = end(actions.allow);

const onlyUnix: readonly Instruction[] = [
  argument(0),
  ...when('equals', AF_UNIX, [allow]),
  end(actions.error(EAFNOSUPPORT)),
];

const routeOnly: readonly Instruction[] = [
  argument(2),
  ...when('equals', NETLINK_ROUTE, [allow]),
  refuse,
];

const neverRaw: readonly Instruction[] = [
  argument(1),
  mask(TYPE_MASK),
  ...when('equals', SOCK_RAW, [refuse]),
  ...when('equals', SOCK_PACKET, [refuse]),
  allow,
];

/** What each inspected call may do. */
const inspections: readonly {
  readonly call: keyof typeof inspectedCalls;
  readonly body: readonly Instruction[];
}[] = [
  { call: 'clone', body: [argument(0), ...when('any-bit-of', NEW_NAMESPACES, [refuse]), allow] },
  // Its flags are in memory, where a filter cannot look; libc falls back to clone.
  { call: 'clone3', body: [end(actions.error(ENOSYS))] },
  {
    call: 'socket',
    body: [
      argument(0),
      ...when('equals', AF_NETLINK, routeOnly),
      ...when('equals', AF_INET, neverRaw),
      ...when('equals', AF_INET6, neverRaw),
      ...onlyUnix,
    ],
  },
  { call: 'socketpair', body: onlyUnix },
  {
    call: 'ioctl',
    body: [
      argument(1),
      ...when('equals', TIOCSTI, [refuse]),
      ...when('equals', TIOCLINUX, [refuse]),
      allow,
    ],
  },
];

/**
 * The filter of every process in a sandbox: kills callers of foreign system call interfaces, refuses
 * what no ordinary program needs, and allows the rest.
 */
export function seccompFilter(architecture: FilterArchitecture): readonly Instruction[] {
  const program: Instruction[] = [
    load(dataOffsets.architecture),
    ...unless('equals', auditArchitectures[architecture], [end(actions.killProcess)]),
    load(dataOffsets.number),
  ];
  if (architecture === 'x64')
    program.push(...when('at-least', X32_BIT, [end(actions.killProcess)]));
  for (const numbers of Object.values(refusedCalls)) {
    const number = numbers[architecture];
    if (number !== undefined) program.push(...when('equals', number, [refuse]));
  }
  for (const { call, body } of inspections) {
    program.push(...when('equals', inspectedCalls[call][architecture], body));
  }
  return [...program, allow];
}
