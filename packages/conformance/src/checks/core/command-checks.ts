import { must, type Check } from '../../check.ts';

/** A program that prints each of its arguments between brackets. */
const show = ['sh', '-c', 'for a; do printf "[%s]" "$a"; done', 'show'] as const;

/** Arguments that a shell, or a join and split, would change. */
const hostile: readonly string[] = [
  'two words',
  '',
  '-n',
  '--',
  '$(touch pwned)',
  '`touch pwned`',
  '; touch pwned',
  '*',
  '~',
  '$HOME',
  "it's",
  '"quoted"',
  'back\\slash',
  'new\nline',
  'tab\tand\rreturn',
  'ünï→🙂',
  '%s%n',
  '!history',
  '{a,b}',
];

export const commandChecks: readonly Check[] = [
  must(
    'core/exec-argv',
    'exec-argv',
    'arguments arrive byte for byte, untouched by any shell',
    async (t) => {
      const { sandbox, directory } = await t.shared();
      const result = await sandbox.exec([...show, ...hostile], { cwd: directory });
      const expected = hostile.map((argument) => `[${argument}]`).join('');
      t.equal(
        t.succeeded(result, 'the command'),
        expected,
        'the arguments as the program saw them',
      );
      t.equal((await sandbox.files.list(directory)).length, 0, 'files that an expansion made');
    },
  ),
  must(
    'core/exec-argv-program',
    'exec-argv',
    'a program whose path is odd is run, not interpreted',
    async (t) => {
      const { sandbox, directory } = await t.shared();
      const names = ['a b', '$(touch pwned)', '-dash', "q'q", 'new\nline', ';x'];
      for (const name of names) {
        await sandbox.files.write(`${directory}/bin/${name}`, '#!/bin/sh\nprintf "ran %s" "$1"\n', {
          mode: 0o755,
        });
        const result = await sandbox.exec([`./bin/${name}`, name], { cwd: directory });
        t.equal(
          t.succeeded(result, `program ${JSON.stringify(name)}`),
          `ran ${name}`,
          'its output',
        );
      }
      t.equal(
        (await sandbox.files.list(directory)).map(({ name }) => name),
        ['bin'],
        'files that an expansion made',
      );
    },
  ),
  must(
    'core/exec-argv-long',
    'exec-argv',
    'a long argument and many arguments arrive whole',
    async (t) => {
      const { sandbox } = await t.shared();
      const long = 'x'.repeat(100_000);
      const one = await sandbox.exec(['sh', '-c', 'printf "%s" "${#1}"', 'sh', long]);
      t.equal(t.succeeded(one, 'one long argument'), '100000', 'its length');
      const many = Array.from({ length: 2_000 }, (_, index) => `argument-${index}`);
      const all = await sandbox.exec([
        'sh',
        '-c',
        'shift 1999; printf "%s %s" "$#" "$1"',
        'sh',
        ...many,
      ]);
      t.equal(t.succeeded(all, 'many arguments'), '1 argument-1999', 'the last of them');
    },
  ),
  must('core/exec-shell', 'exec-shell', 'a string is run by /bin/sh', async (t) => {
    const { sandbox, directory } = await t.shared();
    const line =
      'a=1; b=$((a + 41)); printf "%s\\n" "$b" | tr 4 5 && { echo "q\'d" ; } ; false || echo done; f() { return 3; }; f; printf %s "$?"';
    const result = await sandbox.exec(line, { cwd: directory });
    t.equal(t.succeeded(result, 'the shell line'), "52\nq'd\ndone\n3", 'its output');
    const lines = await sandbox.exec('cat <<"END"\n$HOME `x` \\n\nEND\nprintf end');
    t.equal(t.succeeded(lines, 'a line of several lines'), '$HOME `x` \\n\nend', 'its output');
    const comment = await sandbox.exec('echo shown # a comment at the end');
    t.equal(t.succeeded(comment, 'a line that ends in a comment'), 'shown\n', 'its output');
  }),
  must(
    'core/exec-nul',
    'exec-nul',
    'NUL in an argument, a variable or a directory is refused',
    async (t) => {
      const { sandbox, directory } = await t.shared();
      const options = { cwd: directory };
      await t.rejects(
        'invalid-argument',
        () => sandbox.exec(['touch', 'a\0b'], options),
        'an argument',
      );
      await t.rejects(
        'invalid-argument',
        () => sandbox.exec('touch a\0b', options),
        'a shell line',
      );
      await t.rejects(
        'invalid-argument',
        () => sandbox.exec('touch a', { ...options, env: { A: 'b\0c' } }),
        'a variable',
      );
      await t.rejects(
        'invalid-argument',
        () => sandbox.exec('touch a', { cwd: `${directory}\0/x` }),
        'a directory',
      );
      t.equal((await sandbox.files.list(directory)).length, 0, 'files that a refused command made');
      t.succeeded(await sandbox.exec(['touch', 'ab'], options), 'the same without NUL');
      t.ok(await sandbox.files.exists(`${directory}/ab`), 'the good command did nothing');
    },
  ),
  must(
    'core/exec-cwd',
    'exec-cwd',
    'a command runs in the given directory, /workspace by default',
    async (t) => {
      const { sandbox, directory } = await t.shared();
      const odd = `${directory}/odd $(name)\n'`;
      await sandbox.files.makeDirectory(odd);
      t.succeeded(
        await sandbox.exec('echo here > marker', { cwd: odd }),
        'a command in an odd directory',
      );
      t.equal(await sandbox.files.readText(`${odd}/marker`), 'here\n', 'what it wrote there');
      const relative = directory.slice('/workspace/'.length);
      t.succeeded(
        await sandbox.exec('echo here > relative', { cwd: relative }),
        'a relative directory',
      );
      t.equal(
        await sandbox.files.readText(`${directory}/relative`),
        'here\n',
        'what it wrote there',
      );
      t.equal((await sandbox.exec('pwd', { cwd: '/' })).stdout.text, '/\n', 'pwd in /');
      t.succeeded(
        await sandbox.exec(['test', '-e', `${relative}/relative`]),
        'the default directory',
      );
    },
  ),
  must(
    'core/exec-cwd-missing',
    'exec-cwd',
    'a missing directory is refused and nothing runs',
    async (t) => {
      const { sandbox, directory } = await t.shared();
      await sandbox.files.write(`${directory}/file`, '');
      for (const name of ['missing', 'file', 'file/below']) {
        const run = (): Promise<unknown> =>
          sandbox.exec(`touch ran`, { cwd: `${directory}/${name}` });
        const error = await t.rejects('failed-precondition', run, `exec in ${name}`);
        t.equal(error.details['reason'], 'cwd', `details.reason of exec in ${name}`);
      }
      t.equal(await sandbox.files.exists('ran'), false, 'whether it ran elsewhere');
      t.succeeded(
        await sandbox.exec('test -f file', { cwd: directory }),
        'the directory that is there',
      );
    },
  ),
];
