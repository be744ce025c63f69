import { execFileSync, spawnSync } from 'node:child_process';
import { createReadStream, existsSync } from 'node:fs';
import { chmod, copyFile, mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';
import type Dockerode from 'dockerode';
import { unpackDebian } from './debian-root.ts';

/** Images that the tests run on: one with GNU tools, one with busybox and nothing else, one with a few programs and no shell. */
export const testImages = {
  debian: 'gantry-test/debian',
  busybox: 'gantry-test/busybox',
  bare: 'gantry-test/bare',
} as const;

/** The programs of the image `bare`. */
const barePrograms: readonly string[] = [
  ...['cat', 'env', 'false', 'httpd', 'id', 'mkdir', 'printf', 'pwd', 'sleep', 'tee'],
];

/** Where the root file systems are kept, so that only the first run of a machine builds them. */
function cacheDirectory(): string {
  return path.join(
    process.env['XDG_CACHE_HOME'] ?? path.join(homedir(), '.cache'),
    'gantry',
    'images',
  );
}

/**
 * Gives the Debian test image the name of the image that sandboxes have by default: a private daemon can pull nothing,
 * and this one is made of the same packages.
 */
export async function tagDefaultImage(client: Dockerode): Promise<void> {
  await client.getImage(testImages.debian).tag({ repo: 'debian', tag: 'bookworm-slim' });
}

/** The root file system of a test image, once `buildImages` has made it. */
export function imageTar(name: keyof typeof testImages): string {
  return path.join(cacheDirectory(), `${name}-3.tar`);
}

const builders = { debian: buildDebian, busybox: buildBusybox, bare: buildBare };

/** Gives a daemon the test images that it lacks. Nothing is pulled: they are made of this machine's packages. */
export async function buildImages(
  client: Dockerode,
  names: readonly (keyof typeof testImages)[] = ['debian', 'busybox'],
): Promise<void> {
  await mkdir(cacheDirectory(), { recursive: true });
  for (const name of names) {
    const image = testImages[name];
    if (await has(client, image)) continue;
    const tar = imageTar(name);
    if (!existsSync(tar)) await inTemporary((directory) => builders[name](directory, tar));
    const stream = await client.importImage(createReadStream(tar), { repo: image, tag: 'latest' });
    for await (const said of stream)
      if (String(said).includes('error')) throw new Error(String(said));
    if (!(await has(client, image))) throw new Error(`the daemon did not import ${image}`);
  }
}

async function has(client: Dockerode, image: string): Promise<boolean> {
  const known = await client.listImages({ filters: { reference: [image] } });
  return known.length > 0;
}

async function buildDebian(directory: string, tar: string): Promise<void> {
  const root = path.join(directory, 'root');
  await unpackDebian(root);
  await pack(root, tar);
}

async function buildBusybox(directory: string, tar: string): Promise<void> {
  const program = busybox();
  const root = path.join(directory, 'root');
  await mkdir(path.join(root, 'bin'), { recursive: true });
  await mkdir(path.join(root, 'etc'));
  await copyProgram(program, path.join(root, 'bin', 'busybox'));
  const applets = execFileSync(program, ['--list'], { encoding: 'utf8' }).trim().split('\n');
  for (const applet of applets.filter((name) => name !== 'busybox')) {
    await symlink('busybox', path.join(root, 'bin', applet));
  }
  await writeFile(
    path.join(root, 'etc', 'passwd'),
    'root:x:0:0:root:/:/bin/sh\nworker:x:1234:1235::/tmp:/bin/sh\n',
  );
  await pack(root, tar);
}

async function buildBare(directory: string, tar: string): Promise<void> {
  const bin = path.join(directory, 'root', 'bin');
  await mkdir(bin, { recursive: true });
  // The program does what its name says.
  const [first = '', ...others] = barePrograms;
  await copyProgram(busybox(), path.join(bin, first));
  for (const name of others) await symlink(first, path.join(bin, name));
  await pack(path.join(directory, 'root'), tar);
}

/** Where this machine's static busybox is. */
function busybox(): string {
  if (spawnSync('busybox', ['true']).status !== 0)
    throw new Error('the test images need busybox: apt-get install busybox-static');
  const line = 'readlink -f "$(command -v busybox)"';
  return execFileSync('sh', ['-c', line], { encoding: 'utf8' }).trim();
}

async function copyProgram(from: string, to: string): Promise<void> {
  await copyFile(from, to);
  await chmod(to, 0o755);
}

/** Written beside its place and renamed: an interrupted build leaves no half of an image. */
async function pack(root: string, tar: string): Promise<void> {
  const part = `${tar}.${process.pid}`;
  const args = ['-C', root, '--owner=0', '--group=0', '--numeric-owner', '-cf', part, '.'];
  execFileSync('tar', args);
  await rename(part, tar);
}

async function inTemporary(work: (directory: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(path.join(tmpdir(), 'gantry-image-'));
  try {
    await work(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
