import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { type Finding, SandboxError } from '@gantry/core/driver';
import { hostProcess } from '@gantry/core/node';
import { isErrno } from './errors.ts';
import { uidRange } from './sandbox-uid.ts';
import { hasFilter, seccompFilter } from './seccomp/filter.ts';
import { encode } from './seccomp/program.ts';

/** Settings that close user namespaces to ordinary users, with the value that does it. */
const closingSettings: readonly (readonly [file: string, value: string, remedy: string])[] = [
  ['user/max_user_namespaces', '0', 'sysctl -w user.max_user_namespaces=10000'],
  ['kernel/unprivileged_userns_clone', '0', 'sysctl -w kernel.unprivileged_userns_clone=1'],
  [
    'kernel/apparmor_restrict_unprivileged_userns',
    '1',
    'sysctl -w kernel.apparmor_restrict_unprivileged_userns=0 (or an AppArmor profile for bwrap)',
  ],
];

const probeArguments: readonly string[] = [
  ...['--unshare-user', '--unshare-all', '--disable-userns', '--cap-drop', 'ALL', '--as-pid-1'],
  ...[
    '--seccomp',
    '3',
    '--ro-bind',
    '/',
    '/',
    '--proc',
    '/proc',
    '--ro-bind',
    '/proc/sys',
    '/proc/sys',
  ],
  ...['cat', '/proc/self/status'],
];

/** Builds a small sandbox and looks at what it has; every control that a sandbox relies on is a finding. */
export async function tryIsolation(): Promise<readonly Finding[]> {
  const root = process.getuid?.() === 0;
  if (root) {
    const { code, output } = await hostProcess.runProgram([
      'unshare',
      '--mount',
      '--propagation',
      'private',
      'true',
    ]);
    if (code !== 0) {
      const message = `root may not make a mount namespace here (${output}): give this container CAP_SYS_ADMIN, or run as an ordinary user`;
      return [{ control: 'mount namespace', ok: false, message }];
    }
  }
  let launcher: readonly string[] = [];
  if (root) {
    let uid: string;
    try {
      uid = String(uidRange(readFileSync('/proc/self/uid_map', 'utf8')).first);
    } catch (error) {
      if (!SandboxError.is(error)) throw error;
      return [{ control: 'uids', ok: false, message: error.message }];
    }
    launcher = ['setpriv', '--reuid', uid, '--regid', uid, '--clear-groups', '--no-new-privs'];
  }
  const [program = 'bwrap', ...args] = [...launcher, 'bwrap', ...probeArguments];
  const { code, output } = await withFilter((descriptor) =>
    hostProcess.runProgram([program, ...args], [descriptor]),
  );
  if (code !== 0) {
    const message = `bubblewrap cannot make namespaces (${output}); ${remedy()}`;
    return [{ control: 'user namespaces', ok: false, message }];
  }
  const has = (pattern: RegExp): boolean => pattern.test(output);
  return [
    { control: 'user namespaces', ok: true, message: 'allowed, and nested ones can be refused' },
    held('capabilities', has(/^CapEff:\s0{16}$/m) && has(/^CapBnd:\s0{16}$/m), 'all are dropped'),
    held('no new privileges', has(/^NoNewPrivs:\s1$/m), 'holds'),
    held('seccomp', has(/^Seccomp:\s2$/m), 'the filter is in force'),
  ];
}

function held(control: string, ok: boolean, message: string): Finding {
  return {
    ...{ control, ok },
    message: ok
      ? message
      : `bubblewrap ran, but without this control; this kernel or its bwrap lacks it`,
  };
}

/** What to do about namespaces that are closed: the setting that closes them, where one can be found. */
function remedy(): string {
  for (const [file, closing, command] of closingSettings) {
    try {
      if (readFileSync(`/proc/sys/${file}`, 'utf8').trim() === closing) return `run: ${command}`;
    } catch (error) {
      // Not every kernel has every setting.
      if (!isErrno(error, 'ENOENT')) throw error;
    }
  }
  return 'allow user namespaces to this user; in a container, run it with a seccomp profile that allows them';
}

/** Hands the filter of this machine to a child, from a file that is gone afterwards. */
async function withFilter<T>(use: (descriptor: number) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'gantry-'));
  const file = path.join(directory, 'filter');
  if (hasFilter(process.arch)) writeFileSync(file, encode(seccompFilter(process.arch)));
  const descriptor = openSync(file, 'r');
  try {
    return await use(descriptor);
  } finally {
    closeSync(descriptor);
    rmSync(directory, { recursive: true });
  }
}
