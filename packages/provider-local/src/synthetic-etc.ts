import {
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import type { StateDirectory } from './state-directory.ts';

/** The name of every sandbox's host, and of the user that commands run as. */
export const guestName = 'gantry';
/** The uid and gid that commands see as their own. */
export const guestId = 1000;
/** Lives in memory and ends with the sandbox: what programs leave there is in no snapshot of the workspace. */
export const guestHome = '/tmp';

/** Files that say who and where the guest is. The host's own say too much, of its users above all. */
const files: Readonly<Record<string, string>> = {
  passwd: [
    'root:x:0:0:root:/:/bin/sh',
    `${guestName}:x:${guestId}:${guestId}:${guestName}:${guestHome}:/bin/sh`,
    'nobody:x:65534:65534:nobody:/:/bin/false',
    '',
  ].join('\n'),
  group: `root:x:0:\n${guestName}:x:${guestId}:\nnogroup:x:65534:\n`,
  hosts: `127.0.0.1 localhost ${guestName}\n::1 localhost ip6-localhost\n`,
  hostname: `${guestName}\n`,
  'nsswitch.conf': 'passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n',
};

/** Of the host's /etc, only what its programs and libraries cannot do without. Never `ssl/private`. */
const shared: readonly string[] = [
  'ld.so.cache',
  'ld.so.conf',
  'ld.so.conf.d',
  'alternatives',
  'ssl/certs',
  'ssl/openssl.cnf',
];

/** What bubblewrap is told to make an /etc, and the descriptors that it reads it from. */
export interface SyntheticEtc extends Disposable {
  readonly arguments: readonly string[];
  /** In the order in which the child gets them, from `firstDescriptor` on. The owner disposes. */
  readonly descriptors: readonly number[];
}

/** Prepares an /etc; the child's descriptors are numbered from `firstDescriptor`. */
export function syntheticEtc(state: StateDirectory, firstDescriptor: number): SyntheticEtc {
  const directory = path.join(state.path, 'etc');
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const descriptors: number[] = [];
  const args = ['--perms', '0755', '--dir', '/etc'];
  for (const [name, text] of Object.entries(files)) {
    const file = path.join(directory, name);
    if (!existsSync(file) || readFileSync(file, 'utf8') !== text) writeFileSync(file, text);
    args.push(
      '--perms',
      '0644',
      '--file',
      String(firstDescriptor + descriptors.length),
      `/etc/${name}`,
    );
    descriptors.push(openSync(file, 'r'));
  }
  for (const name of shared) {
    if (existsSync(`/etc/${name}`)) args.push('--ro-bind', `/etc/${name}`, `/etc/${name}`);
  }
  const zone = lstatSync('/etc/localtime', { throwIfNoEntry: false });
  if (zone?.isSymbolicLink())
    args.push('--symlink', readlinkSync('/etc/localtime'), '/etc/localtime');
  return {
    arguments: args,
    descriptors,
    [Symbol.dispose]: () => descriptors.forEach((descriptor) => closeSync(descriptor)),
  };
}
