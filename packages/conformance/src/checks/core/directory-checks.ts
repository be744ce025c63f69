import { must, type Check } from '../../check.ts';

export const directoryChecks: readonly Check[] = [
  must(
    'core/files-make-directory',
    'files-make-directory',
    'makeDirectory makes parents and refuses what is no directory',
    async (t) => {
      const { sandbox, directory } = await t.shared();
      const { files } = sandbox;
      await files.makeDirectory(`${directory}/a/b/c`, { mode: 0o711 });
      const made = await files.stat(`${directory}/a/b/c`);
      t.equal([made.type, made.mode], ['directory', 0o711], 'the new directory');
      await files.makeDirectory(`${directory}/a/b`);
      await files.write(`${directory}/file`, 'x');
      await t.rejects(
        'already-exists',
        () => files.makeDirectory(`${directory}/file`),
        'where a file is',
      );
      t.equal(await files.readText(`${directory}/file`), 'x', 'the file afterwards');
      await files.symlink('nowhere', `${directory}/link`);
      await t.rejects(
        'already-exists',
        () => files.makeDirectory(`${directory}/link`),
        'where a dangling link is',
      );
    },
  ),
  must(
    'core/files-symlink',
    'files-stat-lstat',
    'symlink makes exactly that link, and replaces nothing',
    async (t) => {
      const { sandbox, directory } = await t.shared();
      const { files } = sandbox;
      for (const [index, target] of [
        'plain',
        '/absolute/no',
        '-dash',
        'new\nline',
        '..',
      ].entries()) {
        await files.symlink(target, `${directory}/${index}`);
        const { target: found } = await files.stat(`${directory}/${index}`);
        t.equal(Buffer.from(found ?? []).toString(), target, 'target');
      }
      await files.write(`${directory}/file`, 'x');
      await t.rejects(
        'already-exists',
        () => files.symlink('y', `${directory}/file`),
        'where a file is',
      );
      t.equal(await files.readText(`${directory}/file`), 'x', 'the file afterwards');
      await t.rejects(
        'invalid-argument',
        () => files.symlink('', `${directory}/empty`),
        'an empty target',
      );
    },
  ),
  must(
    'core/files-set-mode',
    'files-write-mode',
    'setMode sets all permission bits of files and directories',
    async (t) => {
      const { sandbox, directory } = await t.shared();
      const { files } = sandbox;
      await files.write(`${directory}/file`, '#!/bin/sh\necho ran\n');
      for (const mode of [0o755, 0o600, 0o444, 0o1777]) {
        await files.setMode(`${directory}/file`, mode);
        t.equal((await files.stat(`${directory}/file`)).mode, mode, 'mode');
      }
      await files.setMode(`${directory}/file`, 0o755);
      t.equal(
        (await sandbox.exec(['./file'], { cwd: directory })).stdout.text,
        'ran\n',
        'the file, run',
      );
      await t.rejects(
        'invalid-argument',
        () => files.setMode(`${directory}/file`, 0o10000),
        'an impossible mode',
      );
    },
  ),
  must(
    'core/files-restricted',
    'files-as-guest',
    'a restricted sandbox has commands and files and nothing else',
    async (t) => {
      const { sandbox, directory } = await t.shared();
      const restricted = sandbox.restricted();
      await restricted.files.write(`${directory}/file`, 'by hand');
      t.equal(
        (await restricted.exec('cat file', { cwd: directory })).stdout.text,
        'by hand',
        'a command',
      );
      const reachable = new Set<string>();
      for (
        let object: object | null = restricted;
        object && object !== Object.prototype;
        object = prototypeOf(object)
      ) {
        for (const name of Object.getOwnPropertyNames(object)) reachable.add(name);
      }
      reachable.delete('constructor');
      t.equal([...reachable].toSorted(), ['exec', 'files', 'spawn'], 'what it has');
    },
  ),
  must(
    'core/files-as-guest',
    'files-as-guest',
    'file operations have the rights of the user, and resolve links in the sandbox',
    async (t) => {
      const { sandbox, directory } = await t.shared();
      const { files } = sandbox;
      const name = t.word('made');
      await files.write(`${directory}/${name}`, 'x');
      const owner = t
        .succeeded(await sandbox.exec(`stat -c %u ${name}; id -u`, { cwd: directory }), 'stat')
        .split('\n');
      t.equal(owner[0], owner[1], 'owner of a file that was written, and the user of commands');
      await files.symlink('/etc/hostname', `${directory}/planted`);
      const inside = await sandbox.exec('cat planted', { cwd: directory });
      const outside = await files.readText(`${directory}/planted`).catch((error: unknown) => error);
      if (inside.ok) t.equal(outside, inside.stdout.text, 'a link, read by files and by a command');
      else t.ok(outside instanceof Error, 'files read through a link that a command cannot follow');
      await files.symlink('..', `${directory}/up`);
      t.equal(
        await files.readText(`${directory}/up/${directory.slice(11)}/${name}`),
        'x',
        'a path through a link to the parent',
      );
    },
  ),
];

function prototypeOf(object: object): object | null {
  const prototype: unknown = Object.getPrototypeOf(object);
  return typeof prototype === 'object' ? prototype : null;
}
