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
];
