import { existsSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';
import { must, type Check } from '../../check.ts';
import { probe, withCanary } from './probe.ts';

const needs = { isolation: true } as const;

/** Places of the host that a guest has no business in, as far as this process can write there. */
const places = (): readonly string[] =>
  [...new Set([tmpdir(), homedir(), '/var/tmp', '/dev/shm'])].filter((place) => existsSync(place));

export const fileIsolationChecks: readonly Check[] = [
  must(
    'isolation/class',
    'trait-true',
    'trait isolation is true: none where the host is in reach, and only there',
    async (t) => {
      const sandbox = await t.create();
      await withCanary(tmpdir(), async ({ file, contents }) => {
        const seen = (await sandbox.exec(['cat', file])).stdout.text;
        if (t.claims.isolation !== 'none') {
          t.ok(
            seen !== contents,
            'a file of the host’s temporary directory can be read, and isolation is claimed',
          );
          return;
        }
        t.equal(seen, contents, 'a file of the host, which a guest without isolation sees');
        t.weaker('no isolation is claimed, and there is none: a guest is a process of the host');
      });
    },
    { twin: true },
  ),
  must(
    'isolation/host-files',
    'isolation-files',
    'no file of the host can be read or changed',
    async (t) => {
      const { sandbox } = await t.shared();
      for (const place of places()) {
        await withCanary(place, async ({ directory, file, contents }) => {
          // Also below every mount, as far down as the file's directory may itself be what is mounted there.
          const script = `
try() { [ "$(cat "$1" 2>/dev/null)" = "$2" ] && say "read:$1" yes; [ -e "$1" ] && echo broken 2>/dev/null > "$1"; }
for f in "$1" "/proc/1/root$1" "/proc/self/root$1" "/../../../..$1" "/proc/1/cwd/../../../../../..$1"; do try "$f" "$2"; done
while read -r _ _ _ _ at _; do
  case $at in /|/proc|/proc/*|/sys|/sys/*) continue ;; esac
  tail=$1; while [ -n "$tail" ]; do try "$at$tail" "$2"; case $tail in /*/*) tail=/\${tail#/*/} ;; *) break ;; esac; done
done < /proc/self/mountinfo
mkdir -p "$3/planted" 2>/dev/null
say done yes`;
          const found = await probe(t, sandbox, script, [file, contents, directory]);
          t.equal(
            [...found.keys()].filter((name) => name.startsWith('read:')),
            [],
            `ways by which ${place} can be read`,
          );
          t.equal(await readFile(file, 'utf8'), contents, `the canary in ${place} afterwards`);
          t.equal(readdirSync(directory), ['canary'], `entries beside it`);
        });
      }
    },
    { needs },
  ),
  must(
    'isolation/base-unchanged',
    'isolation-files',
    'what a guest writes outside its workspace never shows on the host',
    async (t) => {
      const sandbox = await t.create();
      const name = t.word('planted');
      const directories = [
        '/usr/bin',
        '/etc',
        '/usr/lib',
        '/bin',
        '/lib',
        '/var',
        '/opt',
        '/root',
        '/home',
        '/tmp',
        '/var/tmp',
        '/run',
        '/dev/shm',
        '/',
      ];
      const script = directories
        .map((directory) => `echo x 2>/dev/null > "${directory}/${name}"`)
        .join('\n');
      await probe(t, sandbox, `${script}\nsay done yes`);
      const planted = directories
        .map((directory) => path.join(directory, name))
        .filter((file) => existsSync(file));
      for (const file of planted) rmSync(file, { force: true });
      t.equal(planted, [], 'files of the guest on the host');
    },
    { needs },
  ),
  must(
    'isolation/planted-links',
    'files-as-guest',
    'host operations do not follow planted links to the host',
    async (t) => {
      const sandbox = await t.create();
      await withCanary(tmpdir(), async ({ directory, file, contents }) => {
        const line =
          'ln -s "$1" to-file && ln -s "$2" to-directory && ln -s ../../../../../../../../../..$2 climbing && ln -s /proc/self/root$2 by-proc && mkdir deep && ln -s ../to-directory deep/chained';
        t.succeeded(
          await sandbox.exec(['sh', '-c', line, 'sh', file, directory]),
          'planting links',
        );
        const { files } = sandbox;
        const paths = [
          'to-file',
          'to-directory/canary',
          'climbing/canary',
          'by-proc/canary',
          'deep/chained/canary',
        ];
        for (const planted of paths) {
          const read = await files.readText(planted).catch(() => 'refused');
          t.ok(read !== contents, `files.read of ${planted} returned the host's file`);
          // Each may be refused or may stay in the sandbox; what must not be is that the host changes.
          await Promise.allSettled([files.write(planted, 'broken'), files.setMode(planted, 0o777)]);
        }
        await Promise.allSettled([
          files.write('to-directory/new', 'x'),
          files.makeDirectory('climbing/made'),
          files.move('deep', 'to-directory/moved'),
          files.symlink('x', 'by-proc/link'),
        ]);
        await Promise.allSettled([
          files.remove('to-directory/canary'),
          files.remove('climbing/canary'),
          files.remove('by-proc'),
        ]);
        t.equal(readFileSync(file, 'utf8'), contents, "the host's file afterwards");
        t.equal(readdirSync(directory), ['canary'], "the host's directory afterwards");
      });
    },
    { needs },
  ),
  must(
    'isolation/link-race',
    'files-as-guest',
    'a directory that turns into a link and back never lets a write out',
    async (t) => {
      const sandbox = await t.create();
      await withCanary(tmpdir(), async ({ directory }) => {
        const line = `mkdir real && cp -P real target 2>/dev/null; ln -s "$1" link; touch go
while [ ! -e stop ]; do mv -T link target 2>/dev/null || mv link target; rm -rf target; mkdir target 2>/dev/null; rm -rf target; ln -s "$1" target; rm -f target; ln -s "$1" link 2>/dev/null; done`;
        await using racing = await sandbox.spawn(['sh', '-c', line, 'sh', directory]);
        await t.eventually(
          t.limits.command,
          () => sandbox.files.exists('go'),
          'the start of the race',
        );
        for (let round = 0; round < 15; round++) {
          await Promise.allSettled([
            sandbox.files.write(`target/file-${round}`, 'escaped'),
            sandbox.files.makeDirectory(`target/directory-${round}`),
          ]);
        }
        await sandbox.files.write('stop', '');
        await t.promptly(t.limits.prompt, racing.exit, 'the end of the race');
        t.equal(readdirSync(directory), ['canary'], "the host's directory after the race");
      });
    },
    { needs },
  ),
  must(
    'isolation/collected-links',
    'collect-confined',
    'collect brings no file of the host out of planted links',
    async (t) => {
      const sandbox = await t.create({
        manifest: { spec: 'gantry-manifest/1', entries: { out: { type: 'output' } } },
      });
      const destination = await mkdtemp(path.join(tmpdir(), 'gantry-collected-'));
      try {
        await withCanary(tmpdir(), async ({ directory, file, contents }) => {
          t.succeeded(
            await sandbox.exec([
              'sh',
              '-c',
              'echo mine > out/mine; ln -s "$1" out/link; ln -s "$2" out/all',
              'sh',
              file,
              directory,
            ]),
            'planting',
          );
          await sandbox.collect(path.join(destination, 'a')).catch(() => undefined);
          await sandbox.exec(['sh', '-c', 'rm -rf out; ln -s "$1" out', 'sh', directory]);
          await sandbox.collect(path.join(destination, 'b')).catch(() => undefined);
          const names = await readdir(destination, { recursive: true, withFileTypes: true });
          for (const entry of names.filter((candidate) => candidate.isFile())) {
            const text = await readFile(path.join(entry.parentPath, entry.name), 'utf8');
            t.ok(text !== contents, `${entry.name} holds what is in the host's file`);
          }
          t.equal(readFileSync(file, 'utf8'), contents, "the host's file afterwards");
        });
      } finally {
        await rm(destination, { recursive: true, force: true });
      }
    },
    { needs },
  ),
  must(
    'isolation/workspaces-apart',
    'isolation-workspace',
    'two sandboxes share no directory',
    async (t) => {
      const [one, two] = await Promise.all([t.create(), t.create()]);
      const name = t.word('shared');
      const script =
        'for d in /workspace /tmp /var/tmp /dev/shm /run /dev /home /root /; do if echo "$1" 2>/dev/null > "$d/$1"; then say "wrote:$d" yes; fi; done; say done yes';
      const wrote = await probe(t, one, script, [name]);
      t.equal(wrote.get('wrote:/workspace'), 'yes', 'the workspace can be written');
      const look =
        'for d in /workspace /tmp /var/tmp /dev/shm /run /dev /home /root /; do [ -e "$d/$1" ] && say "seen:$d" yes; done; say done yes';
      const seen = await probe(t, two, look, [name]);
      t.equal(
        [...seen.keys()].filter((key) => key.startsWith('seen:')),
        [],
        'places where the other sandbox sees the file',
      );
      t.equal(await two.files.exists(name), false, 'whether the other workspace has the file');
      for (const directory of ['/tmp', '/var/tmp', '/dev/shm', '/run'])
        rmSync(path.join(directory, name), { force: true });
    },
    { needs },
  ),
  must(
    'isolation/descriptors',
    'isolation-files',
    'a command inherits no descriptor of the host',
    async (t) => {
      const { sandbox } = await t.shared();
      const script =
        'for d in /proc/self/fd/*; do n=${d##*/}; [ "$n" -le 2 ] 2>/dev/null && continue; target=$(readlink "$d") || continue; case $target in /proc/*|pipe:*|/dev/null) continue ;; *) say "fd:$n" "$target";; esac; cd "$d" 2>/dev/null && say "cd:$n" "$(pwd)"; cd /; done; say done yes';
      const found = await probe(t, sandbox, script);
      t.equal(
        [...found].filter(([name]) => name !== 'done'),
        [],
        'descriptors above 2',
      );
      const outside = await probe(
        t,
        sandbox,
        'for n in 3 4 5 6 7 8 9 10 11 12; do if ls "/proc/self/fd/$n/etc/passwd" >/dev/null 2>&1; then say "root:$n" yes; fi; done; say done yes',
      );
      t.equal(
        [...outside.keys()].filter((name) => name.startsWith('root:')),
        [],
        'descriptors that are a root directory',
      );
    },
    { needs },
  ),
  must(
    'isolation/host-sockets',
    'isolation-files',
    'no control socket of the host is in reach',
    async (t) => {
      const { sandbox } = await t.shared();
      const script = `for s in /var/run/docker.sock /run/docker.sock /run/containerd/containerd.sock /run/podman/podman.sock /run/crio/crio.sock /run/dbus/system_bus_socket /run/systemd/private /run/user/*/bus /tmp/.X11-unix/X* /run/snapd.socket "$SSH_AUTH_SOCK"; do [ -S "$s" ] && say "socket:$s" yes; done
for f in /var/run/secrets/kubernetes.io/serviceaccount/token /run/secrets/*; do [ -e "$f" ] && say "secret:$f" yes; done
while read -r _ _ _ _ at _; do
  [ -S "$at" ] && say "socket:$at" yes
  case $at in /|/proc|/proc/*|/sys|/sys/*|/dev/*) continue ;; esac
  for s in "$at"/*.sock "$at"/run/*.sock "$at"/containerd/containerd.sock "$at"/run/dbus/system_bus_socket; do [ -S "$s" ] && say "socket:$s" yes; done
done < /proc/self/mountinfo
say done yes`;
      const found = await probe(t, sandbox, script);
      t.equal(
        [...found.keys()].filter((name) => name !== 'done'),
        [],
        'sockets and secrets of the host',
      );
      const sockets = ['/var/run/docker.sock', '/run/dbus/system_bus_socket'].filter((file) =>
        existsSync(file),
      );
      t.ok(
        sockets.every((file) => !found.has(`socket:${file}`)),
        'a socket that the host has is in the sandbox',
      );
    },
    { needs },
  ),
];
