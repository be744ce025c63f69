import { must, type Check } from '../../check.ts';

export const treeChecks: readonly Check[] = [
  must(
    'core/files-stat-lstat',
    'files-stat-lstat',
    'stat and list describe a link itself, with its exact target',
    async (t) => {
      const { sandbox, directory } = await t.shared();
      const { files } = sandbox;
      await files.write(`${directory}/file`, '12345', { mode: 0o640 });
      const target = '../odd $(x)\n target ';
      await files.symlink(target, `${directory}/link`);
      await files.symlink('file', `${directory}/good`);
      const link = await files.stat(`${directory}/link`);
      t.equal(
        [link.type, Buffer.from(link.target ?? []).toString(), link.size],
        ['symlink', target, target.length],
        'stat of a dangling link',
      );
      t.equal((await files.stat(`${directory}/good`)).type, 'symlink', 'stat of a link to a file');
      const entries = await files.list(directory);
      const good = entries.find(({ name }) => name === 'good');
      t.equal(
        [good?.type, Buffer.from(good?.target ?? []).toString()],
        ['symlink', 'file'],
        'the link as listed',
      );
      const file = await files.stat(`${directory}/file`);
      t.equal(
        [file.type, file.size, file.mode, file.links, file.target],
        ['file', 5, 0o640, 1, undefined],
        'stat of a file',
      );
      t.ok(
        Math.abs(file.modifiedMs - Date.now()) < 120_000,
        `modifiedMs is ${file.modifiedMs - Date.now()} ms from now`,
      );
      await sandbox.exec('touch -d @1000000000 file; ln file twice; mkfifo pipe', {
        cwd: directory,
      });
      const later = await files.stat(`${directory}/file`);
      t.equal(
        [later.modifiedMs, later.links],
        [1_000_000_000_000, 2],
        'time and names after touch and ln',
      );
      t.equal((await files.stat(`${directory}/pipe`)).type, 'fifo', 'type of a FIFO');
      t.equal((await files.stat(directory)).type, 'directory', 'type of a directory');
    },
  ),
  must(
    'core/files-list',
    'files-list',
    'list gives every entry once, sorted by bytes, hidden ones too',
    async (t) => {
      const { sandbox, directory } = await t.shared();
      const line =
        'touch b a B .hidden é "with space"; mkdir -p sub/deeper; touch sub/inner; mkdir empty';
      t.succeeded(await sandbox.exec(line, { cwd: directory }), 'set-up');
      const entries = await sandbox.files.list(directory);
      t.equal(
        entries.map(({ name }) => name),
        ['.hidden', 'B', 'a', 'b', 'empty', 'sub', 'with space', 'é'],
        'names',
      );
      t.equal(
        entries.filter(({ type }) => type === 'directory').map(({ name }) => name),
        ['empty', 'sub'],
        'directories',
      );
      t.equal(
        (await sandbox.files.list(`${directory}/empty`)).length,
        0,
        'entries of an empty directory',
      );
      await t.rejects(
        'failed-precondition',
        () => sandbox.files.list(`${directory}/a`),
        'list of a file',
      );
    },
  ),
  must(
    'core/files-list-many',
    'files-list',
    'a directory of a thousand entries is listed whole',
    async (t) => {
      const { sandbox, directory } = await t.shared();
      const line =
        'i=0; while [ $i -lt 1000 ]; do i=$((i+1)); : > "a-rather-long-name-to-fill-any-page-$i"; done';
      t.succeeded(await sandbox.exec(line, { cwd: directory }), 'set-up');
      const entries = await sandbox.files.list(directory);
      t.equal(entries.length, 1_000, 'entries');
      t.equal(new Set(entries.map(({ name }) => name)).size, 1_000, 'different names');
      t.ok(
        entries.every(({ type, size }) => type === 'file' && size === 0),
        'some entry is no empty file',
      );
    },
  ),
  must(
    'core/files-move',
    'files-move',
    'move renames, replaces a file at once, and never moves into a directory',
    async (t) => {
      const { sandbox, directory } = await t.shared();
      const { files } = sandbox;
      const at = (name: string): string => `${directory}/${name}`;
      await files.write(at('one'), 'one', { mode: 0o700 });
      await files.write(at('two'), 'two');
      await files.move(at('one'), at('two'));
      t.equal(
        [await files.readText(at('two')), await files.exists(at('one'))],
        ['one', false],
        'a replaced file',
      );
      t.equal((await files.stat(at('two'))).mode, 0o700, 'mode after the move');
      await files.write(at('dir/inside'), 'in');
      await files.write(at('full/other'), 'other');
      await t.rejects(
        'failed-precondition',
        () => files.move(at('dir'), at('full')),
        'moving onto a full directory',
      );
      await t.rejects(
        'failed-precondition',
        () => files.move(at('two'), at('full')),
        'moving a file onto a directory',
      );
      t.equal(
        (await files.list(at('full'))).map(({ name }) => name),
        ['other'],
        'what the full directory holds',
      );
      await files.makeDirectory(at('empty'));
      await files.move(at('dir'), at('empty'));
      t.equal(
        [await files.readText(at('empty/inside')), await files.exists(at('dir'))],
        ['in', false],
        'onto an empty directory',
      );
      await files.move(at('empty'), at('new/parents/here'));
      t.equal(await files.readText(at('new/parents/here/inside')), 'in', 'with new parents');
    },
  ),
  must(
    'core/files-remove',
    'files-remove',
    'remove takes a whole tree, follows no link, and spares the workspace',
    async (t) => {
      const { sandbox, directory } = await t.shared();
      const { files } = sandbox;
      const at = (name: string): string => `${directory}/${name}`;
      await files.write(at('keep/file'), 'kept');
      await files.write(at('tree/a/b/c'), 'x');
      await files.symlink('../keep', at('tree/link'));
      await files.symlink('keep', at('to-keep'));
      await files.remove(at('tree'));
      await files.remove(at('to-keep'));
      t.equal(
        (await files.list(directory)).map(({ name }) => name),
        ['keep'],
        'what is left',
      );
      t.equal(await files.readText(at('keep/file')), 'kept', 'the file behind the links');
      for (const path of ['/workspace', '.', '/', '/workspace/']) {
        await t.rejects(
          ['invalid-argument', 'permission-denied', 'failed-precondition'],
          () => files.remove(path),
          `remove of ${path}`,
        );
      }
      t.equal(await files.exists(at('keep/file')), true, 'whether the workspace is still there');
    },
  ),
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
        object = Object.getPrototypeOf(object) as object | null
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
