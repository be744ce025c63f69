import { runProgram } from '../run-program.ts';

/*
 * A sandbox's network belongs to a user namespace that no process is left in: bubblewrap goes one
 * deeper so that no further ones can be made. Root may enter the network directly. Its owner has to
 * enter that user namespace first, and the way to it from the sandbox's own is a system call: ioctl
 * NS_GET_PARENT, ioctl_ns(2), then setns(2).
 */
const numbers: Readonly<Record<string, number>> = { x64: 308, arm64: 268 };

const perlScript = `my ($setns, $pid, @command) = @ARGV;
open(my $user, '<', "/proc/$pid/ns/user") or die "user namespace: $!\\n";
open(my $network, '<', "/proc/$pid/ns/net") or die "network namespace: $!\\n";
my $parent = ioctl($user, 0xb702, 0) or die "NS_GET_PARENT: $!\\n";
syscall($setns + 0, $parent + 0, 0x10000000) == 0 or die "user namespace: $!\\n";
syscall($setns + 0, fileno($network), 0x40000000) == 0 or die "network namespace: $!\\n";
exec { $command[0] } @command or die "$command[0]: $!\\n";
`;

const pythonScript = `import ctypes, fcntl, os, sys
number, pid, command = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
user = os.open("/proc/%s/ns/user" % pid, os.O_RDONLY)
network = os.open("/proc/%s/ns/net" % pid, os.O_RDONLY)
parent = fcntl.ioctl(user, 0xb702)
call = ctypes.CDLL(None, use_errno=True).syscall
for namespace, kind in ((parent, 0x10000000), (network, 0x40000000)):
    if call(number, namespace, kind) != 0:
        sys.exit("setns: " + os.strerror(ctypes.get_errno()))
os.execv(command[0], command)
`;

/** A program of the host, by which others are started in the network of a sandbox. */
export interface NetworkEntry {
  readonly program: 'nsenter' | 'perl' | 'python3';
  /** The command line that runs `command`, an absolute path and arguments, in the network of a process. */
  commandLine(pid: number, command: readonly string[]): [string, ...string[]];
}

const entries: Readonly<Record<NetworkEntry['program'], NetworkEntry>> = {
  nsenter: {
    program: 'nsenter',
    commandLine: (pid, command) => ['nsenter', '--target', String(pid), '--net', '--', ...command],
  },
  perl: {
    program: 'perl',
    commandLine: (pid, command) => ['perl', '-e', perlScript, ...numbersOf(pid), ...command],
  },
  python3: {
    program: 'python3',
    // -I: nothing of the user's own gets in.
    commandLine: (pid, command) => [
      'python3',
      '-I',
      '-c',
      pythonScript,
      ...numbersOf(pid),
      ...command,
    ],
  },
};

let found: NetworkEntry | undefined;

/** The first program of this machine that can do it for the current user. */
export async function findNetworkEntry(): Promise<NetworkEntry | undefined> {
  if (found) return found;
  const root = process.getuid?.() === 0;
  for (const entry of root ? [entries.nsenter] : [entries.perl, entries.python3]) {
    const { code } = await runProgram([entry.program, '--version']);
    if (code === 0) return (found = entry);
  }
  return undefined;
}

/** Why there is no way into the network of a sandbox, and what to do. */
export const withoutNetworkEntry: string =
  'reaching the network of a sandbox needs nsenter as root (apt-get install util-linux), else perl or python3 (apt-get install perl-base)';

function numbersOf(pid: number): string[] {
  return [String(numbers[process.arch] ?? 0), String(pid)];
}
