import { execFileSync } from 'node:child_process';
import { copyFile, mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** What makes a Debian that a shell can be used in; apt adds what these need. */
const packages: readonly string[] = [
  ...['base-files', 'base-passwd', 'bash', 'coreutils', 'dash', 'findutils', 'grep', 'gzip'],
  ...['hostname', 'mawk', 'perl-base', 'procps', 'sed', 'tar', 'util-linux'],
];
const unused: readonly string[] = ['usr/share/doc', 'usr/share/locale', 'usr/share/man'];

/**
 * Makes a root file system of Debian packages: fetched by apt from where this machine's come from, unpacked and not
 * configured, which takes seconds, not the minute that debootstrap takes. Needs no privilege.
 */
export async function unpackDebian(root: string): Promise<void> {
  const state = `${root}.apt`;
  await mkdir(path.join(state, 'archives', 'partial'), { recursive: true });
  await mkdir(path.join(state, 'lists', 'partial'), { recursive: true });
  await writeFile(path.join(state, 'status'), '');
  const settings = {
    // As if nothing were installed, so that apt fetches everything that is needed.
    'Dir::State': state,
    'Dir::State::status': path.join(state, 'status'),
    'Dir::State::lists': path.join(state, 'lists'),
    'Dir::Cache': state,
    'Dir::Cache::archives': path.join(state, 'archives'),
    'APT::Sandbox::User': '',
    'APT::Install-Recommends': 'false',
    'Acquire::Languages': 'none',
    'Acquire::Retries': '3',
    'Debug::NoLocking': 'true',
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  apt([...options, '-qq', 'update']);
  apt([...options, '-qq', '-y', '--download-only', 'install', ...packages]);
  for (const name of ['bin', 'sbin', 'lib', 'lib64']) {
    await mkdir(path.join(root, 'usr', name), { recursive: true });
    await symlink(`usr/${name}`, path.join(root, name));
  }
  const archives = await readdir(path.join(state, 'archives'));
  for (const file of archives.filter((name) => name.endsWith('.deb'))) {
    // dpkg-deb -x would replace the links of the merged /usr by directories.
    const unpack =
      'dpkg-deb --fsys-tarfile "$1" | tar -C "$2" --no-same-owner --keep-directory-symlink -xf -';
    execFileSync('sh', ['-ec', unpack, 'sh', path.join(state, 'archives', file), root]);
  }
  await Promise.all(unused.map((name) => rm(path.join(root, name), { recursive: true })));
  for (const name of ['passwd', 'group']) {
    const master = path.join(root, 'usr', 'share', 'base-passwd', `${name}.master`);
    await copyFile(master, path.join(root, 'etc', name));
  }
  await symlink('mawk', path.join(root, 'usr', 'bin', 'awk'));
  await rm(state, { recursive: true });
}

function apt(parameters: readonly string[]): void {
  try {
    execFileSync('apt-get', parameters, { stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8' });
  } catch (cause) {
    const said = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`the Debian test image is made by apt-get, which failed: ${said}`, { cause });
  }
}
