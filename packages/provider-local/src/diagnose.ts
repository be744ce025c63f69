import { spawn } from 'node:child_process';
import { type Finding, SandboxError } from '@gantry/core/driver';
import type { ResolvedOptions } from './options.ts';
import { hasFilter } from './seccomp/filter.ts';

/** Programs of the host that the launcher runs, and the Debian package of each. */
const programs: Readonly<Record<string, string>> = {
  unshare: 'util-linux',
  setpriv: 'util-linux',
  mount: 'mount',
  mkfifo: 'coreutils',
  timeout: 'coreutils',
  rm: 'coreutils',
};

/** Looks at each prerequisite of the isolation, by trying it where that is possible. */
export async function diagnose(_options: ResolvedOptions): Promise<readonly Finding[]> {
  const finding = (control: string, ok: boolean, message: string): Finding => ({
    ...{ control, ok, message },
  });
  const { platform, arch } = process;
  if (platform !== 'linux') {
    return [
      finding(
        'platform',
        false,
        `isolation needs Linux and this is ${platform}; local({ isolation: 'none' }) runs commands without any`,
      ),
    ];
  }
  const findings: Finding[] = [
    finding('platform', true, 'Linux'),
    hasFilter(arch)
      ? finding('seccomp filter', true, `there is one for ${arch}`)
      : finding('seccomp filter', false, `there is one for x64 and arm64 only, not for ${arch}`),
  ];
  const root = process.getuid?.() === 0;
  const needed = root ? Object.keys(programs) : ['mkfifo', 'timeout', 'rm'];
  const version = await run(['bwrap', '--version']);
  const [major = 0, minor = 0] = (/(\d+)\.(\d+)/.exec(version.output)?.slice(1) ?? []).map(Number);
  const recent = major > 0 || minor >= 8;
  findings.push(
    version.code === 0 && recent
      ? finding('bubblewrap', true, version.output)
      : finding(
          'bubblewrap',
          false,
          version.code === 0
            ? `${version.output} is older than 0.8; install a newer one`
            : 'bwrap is not installed: apt-get install bubblewrap',
        ),
  );
  for (const program of needed) {
    const { code } = await run(['sh', '-c', `command -v ${program}`]);
    findings.push(
      finding(
        program,
        code === 0,
        code === 0 ? 'installed' : `${program} is not installed: apt-get install ${programs[program]}`,
      ),
    );
  }
  return findings;
}

/** Throws `failed-precondition` with the first thing that is missing, unless nothing is. */
export function requireAll(findings: readonly Finding[]): void {
  const missing = findings.find(({ ok }) => !ok);
  if (!missing) return;
  throw new SandboxError('failed-precondition', `local sandboxes cannot run here: ${missing.message}`, {
    provider: 'local',
    details: { control: missing.control, findings },
  });
}

function run(command: readonly [string, ...string[]]): Promise<{ code: number | null; output: string }> {
  const [program, ...args] = command;
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], cwd: '/' });
    let output = '';
    const add = (text: string): void => void (output += text);
    child.stdout.setEncoding('utf8').on('data', add);
    child.stderr.setEncoding('utf8').on('data', add);
    child.once('error', (error) => resolve({ code: null, output: error.message }));
    child.once('close', (code) => resolve({ code, output: output.trim() }));
  });
}
