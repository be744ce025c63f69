import { refusedSystemCalls, type RefusedSystemCall } from '@gantry/core/node';

/** One rule of a profile in the format of the Docker daemon. */
interface SeccompRule {
  readonly names: readonly string[];
  readonly action: string;
  readonly errnoRet?: number;
  readonly args?: readonly { index: number; value: number; valueTwo?: number; op: string }[];
}

const EPERM = 1;
const ENOSYS = 38;
const EAFNOSUPPORT = 97;

/** Address families beside UNIX (1), INET (2), INET6 (10) and NETLINK (16): socket(2), linux/socket.h. */
const familiesBelowNetlink: readonly number[] = [3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15];
const netlink = 16;
const unix = 1;

/** CLONE_NEW… flags of clone(2). clone3 passes its flags in memory, where no filter can look. */
const namespaceFlags: readonly number[] = [
  0x0002_0000, 0x0200_0000, 0x0400_0000, 0x0800_0000, 0x1000_0000, 0x2000_0000, 0x4000_0000,
];

function deny(names: readonly string[], errnoRet: number, args?: SeccompRule['args']): SeccompRule {
  return { names, action: 'SCMP_ACT_ERRNO', errnoRet, ...(args ? { args } : {}) };
}

/**
 * The system-call filter of a sandbox, as the daemon takes it: JSON text, for x86-64 and arm64 alike. Those of `allowed`
 * are left to the capability that they need.
 */
export function seccompProfile(
  architecture: 'x64' | 'arm64',
  allowed: readonly RefusedSystemCall[] = [],
): string {
  const equal = (index: number, value: number) => ({ index, value, op: 'SCMP_CMP_EQ' });
  const masked = (index: number, mask: number, value: number) => ({
    ...{ index, value: mask, valueTwo: value },
    op: 'SCMP_CMP_MASKED_EQ',
  });
  const syscalls: SeccompRule[] = [
    deny(
      refusedSystemCalls.filter((name) => !allowed.includes(name)),
      EPERM,
    ),
    deny(['clone3'], ENOSYS),
    ...namespaceFlags.map((flag) => deny(['clone'], EPERM, [masked(0, flag, flag)])),
    ...familiesBelowNetlink.map((family) => deny(['socket'], EAFNOSUPPORT, [equal(0, family)])),
    // VSOCK, PACKET is 17, ALG is 38, VSOCK is 40: everything above NETLINK.
    deny(['socket'], EAFNOSUPPORT, [{ index: 0, value: netlink, op: 'SCMP_CMP_GT' }]),
    // Of NETLINK only ROUTE (0), which name resolution needs.
    deny(['socket'], EAFNOSUPPORT, [equal(0, netlink), { index: 2, value: 0, op: 'SCMP_CMP_GT' }]),
    deny(['socketpair'], EAFNOSUPPORT, [{ index: 0, value: unix, op: 'SCMP_CMP_NE' }]),
    // TIOCSTI and TIOCLINUX put words into a terminal as if typed.
    deny(['ioctl'], EPERM, [masked(1, 0xffff_ffff, 0x5412)]),
    deny(['ioctl'], EPERM, [masked(1, 0xffff_ffff, 0x541c)]),
  ];
  return JSON.stringify({
    defaultAction: 'SCMP_ACT_ALLOW',
    // Only the native calls: what comes by another ABI of the same machine kills the process.
    architectures: [architecture === 'x64' ? 'SCMP_ARCH_X86_64' : 'SCMP_ARCH_AARCH64'],
    syscalls,
  });
}
