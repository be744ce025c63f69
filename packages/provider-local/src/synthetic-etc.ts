import { createHash, randomBytes } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  existsSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { isErrno } from './errors.ts';
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

const kept = new Map<string, { readonly of: string; readonly directory: string }>();

/**
 * A directory in the state directory's `shared` that is every sandbox's `/etc`, read-only. One bind in
 * place of a dozen. It is made again, beside the old one, when the host's files have changed.
 */
export function syntheticEtc(state: StateDirectory): string {
  const of = hostState();
  const last = kept.get(state.path);
  if (last?.of === of && existsSync(last.directory)) return last.directory;
  const digest = createHash('sha256').update(of).update(JSON.stringify(files)).digest('hex');
  const directory = path.join(state.path, 'shared', `etc-${digest.slice(0, 16)}`);
  if (!existsSync(directory)) make(directory);
  kept.set(state.path, { of, directory });
  return directory;
}

/**
 * An `/etc` in a root that the guest can write: files of its own, and the host's on top, read-only. Returns
 * what bubblewrap is told to put there.
 */
export function writableEtc(root: string, uid: number | undefined): string[] {
  const directory = path.join(root, 'etc');
  mkdirSync(directory);
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(directory, name), text);
  open(directory);
  linkZone(directory);
  if (uid !== undefined) {
    for (const name of ['', ...Object.keys(files)])
      lchownSync(path.join(directory, name), uid, uid);
  }
  return shared
    .map((name) => `/etc/${name}`)
    .flatMap((name) => (existsSync(name) ? ['--ro-bind', name, name] : []));
}

/** What tells one state of the host's shared files from another, without reading them. */
function hostState(): string {
  return [...shared, 'localtime']
    .map((name) => lstatSync(`/etc/${name}`, { throwIfNoEntry: false }))
    .map((stat) => (stat ? `${stat.ino} ${stat.size} ${stat.mtimeMs} ${stat.ctimeMs}` : '-'))
    .join('\n');
}

function make(directory: string): void {
  const fresh = `${directory}.${randomBytes(4).toString('hex')}`;
  mkdirSync(fresh);
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(fresh, name), text);
  for (const name of shared) copy(`/etc/${name}`, path.join(fresh, name));
  linkZone(fresh);
  open(fresh);
  try {
    renameSync(fresh, directory);
  } catch (error) {
    // Another process has made the same one meanwhile.
    rmSync(fresh, { recursive: true });
    if (!isErrno(error, 'ENOTEMPTY') && !isErrno(error, 'EEXIST')) throw error;
  }
}

function linkZone(directory: string): void {
  const zone = lstatSync('/etc/localtime', { throwIfNoEntry: false });
  if (!zone?.isSymbolicLink()) return;
  symlinkSync(readlinkSync('/etc/localtime'), path.join(directory, 'localtime'));
}

/** Links stay links: what they name is in the sandbox too, or is not for it. */
function copy(source: string, target: string): void {
  if (!existsSync(source)) return;
  mkdirSync(path.dirname(target), { recursive: true });
  cpSync(source, target, { recursive: true, verbatimSymlinks: true });
}

/** Readable by every uid, whatever the umask: nothing in it is the user's. */
function open(directory: string): void {
  chmodSync(directory, 0o755);
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const file = path.join(directory, entry.name);
    if (entry.isDirectory()) open(file);
    else if (entry.isFile()) chmodSync(file, 0o644);
  }
}
