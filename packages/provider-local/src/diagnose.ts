import { type Finding, SandboxError } from '@gantry/core/driver';
import { hostProcess } from '@gantry/core/node';
import { hostLimits } from './limits/plan-limits.ts';
import { hasFilter } from './seccomp/filter.ts';
import { tryIsolation } from './try-isolation.ts';

/** Programs of the host that the launcher runs, and the Debian package of each. */
const packages: Readonly<Record<string, string>> = {
  sh: 'dash',
  mkfifo: 'coreutils',
  timeout: 'coreutils',
  rm: 'coreutils',
  mount: 'mount',
  prlimit: 'util-linux',
  setpriv: 'util-linux',
  unshare: 'util-linux',
};
const neededByAll: readonly string[] = [
  'sh',
  'mkfifo',
  'timeout',
  'rm',
  'unshare',
  'mount',
  'prlimit',
];

/** Looks at each prerequisite of the isolation, and tries it where that is possible. */
export async function diagnose(): Promise<readonly Finding[]> {
  const { platform, arch } = process;
  if (platform !== 'linux') {
    const message = `isolation needs Linux and this is ${platform}; local({ isolation: 'none' }) runs commands without any`;
    return [{ control: 'platform', ok: false, message }];
  }
  const programs = process.getuid?.() === 0 ? Object.keys(packages) : neededByAll;
  const findings: readonly Finding[] = [
    { control: 'platform', ok: true, message: 'Linux' },
    hasFilter(arch)
      ? { control: 'machine', ok: true, message: `there is a seccomp filter for ${arch}` }
      : {
          ...{ control: 'machine', ok: false },
          message: `there is a seccomp filter for x64 and arm64 only, and this machine is ${arch}`,
        },
    await findBubblewrap(),
    ...(await Promise.all(programs.map(findProgram))),
  ];
  // What depends on the above is tried once it is there.
  return findings.every(({ ok }) => ok)
    ? [...findings, describeLimits(), ...(await tryIsolation())]
    : findings;
}

/** Which limits hold here. None is needed for the isolation, so none makes it fail. */
function describeLimits(): Finding {
  const entries = Object.entries(hostLimits().limits);
  const missing = entries.flatMap(([name, trait]) => (trait === 'none' ? [name] : []));
  const message =
    missing.length === 0
      ? 'memory, pids, cpu and disk can be limited'
      : `not limited here: ${missing.join(', ')}; no control group is writable: run as root, or under \`systemd-run --user --scope -p Delegate=yes\``;
  return { control: 'limits', ok: true, message };
}

/** Throws `failed-precondition` that says what to do about the first thing that is missing. */
export function requireAll(findings: readonly Finding[]): void {
  const missing = findings.find(({ ok }) => !ok);
  if (!missing) return;
  throw new SandboxError(
    'failed-precondition',
    `local sandboxes cannot run here: ${missing.message}`,
    {
      provider: 'local',
      details: { control: missing.control, findings },
    },
  );
}

async function findBubblewrap(): Promise<Finding> {
  const control = 'bubblewrap';
  const { code, output } = await hostProcess.runProgram(['bwrap', '--version']);
  if (code === null) {
    return { control, ok: false, message: 'bwrap is not installed: apt-get install bubblewrap' };
  }
  const [major = 0, minor = 0] = (/(\d+)\.(\d+)/.exec(output)?.slice(1) ?? []).map(Number);
  const recent = major > 0 || minor >= 8;
  return {
    ...{ control, ok: recent },
    message: recent ? output : `0.8 or later is needed and this is ${output}: upgrade bubblewrap`,
  };
}

async function findProgram(program: string): Promise<Finding> {
  const { code } = await hostProcess.runProgram(['sh', '-c', 'command -v "$1"', 'sh', program]);
  return {
    ...{ control: program, ok: code === 0 },
    message:
      code === 0
        ? 'installed'
        : `${program} is not installed: apt-get install ${packages[program] ?? program}`,
  };
}
