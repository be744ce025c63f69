import { must, type Check } from '../../check.ts';
import { variableOf } from '../variable-of.ts';

export const environmentChecks: readonly Check[] = [
  must(
    'core/exec-env',
    'exec-env',
    'variables arrive unchanged and win over the sandbox’s own',
    async (t) => {
      const { sandbox } = await t.shared();
      const env = {
        A: 'two words',
        B: 'new\nline',
        C: '$(x) `y` "z" \'',
        D: '',
        GANTRY_SHARED: 'mine',
        E: 'ünï=→',
      };
      const result = await sandbox.exec(
        'for n in A B C D GANTRY_SHARED E; do eval "printf \'[%s]\' \\"\\$$n\\""; done; echo; env | grep -c "^D=$"',
        { env },
      );
      const expected = `${Object.values(env)
        .map((value) => `[${value}]`)
        .join('')}\n1\n`;
      t.equal(t.succeeded(result, 'the command').replaceAll(' 1\n', '1\n'), expected, 'values');
      t.equal(
        (await sandbox.exec(variableOf('GANTRY_SHARED'))).stdout.text,
        'yes\n',
        "the sandbox's own value, for the next command",
      );
      t.equal(
        (await sandbox.exec('echo "${A-unset}"')).stdout.text,
        'unset\n',
        'a variable of the last command',
      );
    },
  ),
  must(
    'core/exec-env-line',
    'exec-env',
    'variables and directory hold for the whole shell line, background parts included',
    async (t) => {
      const { sandbox, directory } = await t.shared();
      const options = { cwd: directory, env: { V: 'held' } };
      const line =
        'true && printf "%s" "$V" && (printf " %s" "$V"); sh -c \'printf " %s" "$V"\'; { sleep 0.1; printf "%s" "$V" > later; } & wait; printf " %s" "$V" | cat; false || printf " %s" "$V"';
      const result = await sandbox.exec(line, options);
      t.equal(
        t.succeeded(result, 'the line'),
        'held held held held held',
        'the variable in each part',
      );
      t.equal(
        await sandbox.files.readText(`${directory}/later`),
        'held',
        'in the background part, in its directory',
      );
      await sandbox.exec(
        '(sleep 0.1; pwd -P > where; printf %s "$V" > what) >/dev/null 2>&1 &',
        options,
      );
      await t.eventually(
        t.limits.command,
        () => sandbox.files.exists(`${directory}/what`),
        'the end of a background command',
      );
      t.equal(
        await sandbox.files.readText(`${directory}/what`),
        'held',
        'in what runs on after the line',
      );
    },
  ),
  must(
    'core/exec-env-clean',
    'exec-env-clean',
    "the host process's environment is not inherited",
    async (t) => {
      const name = t.word('GANTRY_HOST').replaceAll('-', '_');
      process.env[name] = 'from-the-host';
      try {
        const sandbox = await t.create();
        const seen = t.succeeded(await sandbox.exec('env'), 'env');
        t.ok(!seen.includes(name), 'a variable of the host process reached the sandbox');
        t.match(seen, /^PATH=./m, 'a PATH of its own');
        const first = t.succeeded(
          await sandbox.exec("tr '\\0' '\\n' < /proc/self/environ"),
          'environ',
        );
        t.ok(!first.includes('from-the-host'), 'the value is in /proc/self/environ');
      } finally {
        delete process.env[name];
      }
    },
  ),
  must('core/exec-user', 'exec-user', 'a user is refused where none can be chosen', async (t) => {
    const { provider, counts } = t.counted(({ users: _left, ...driver }) => driver);
    const sandbox = await t.create({}, provider);
    counts.reset();
    const error = await t.rejects(
      'unsupported',
      () => sandbox.exec('touch ran', { user: 'nobody' }),
      'exec with a user',
    );
    t.equal(error.details['capability'], 'users', 'details.capability');
    t.equal(counts.total(), 0, 'calls of the driver');
    t.succeeded(await sandbox.exec('test ! -e ran && id -u'), 'a command without a user');
  }),
  must(
    'core/exec-missing-program',
    'exec-missing-program',
    'a missing program ends with 127, one that cannot run with 126',
    async (t) => {
      const { sandbox, directory } = await t.shared();
      await sandbox.files.write(`${directory}/plain`, 'no program', { mode: 0o644 });
      await sandbox.files.makeDirectory(`${directory}/folder`);
      const code = async (argv: [string, ...string[]]): Promise<unknown> =>
        (await sandbox.exec(argv, { cwd: directory })).exit;
      t.equal(await code(['no-such-program-here']), { code: 127 }, 'a name that is not in PATH');
      t.equal(await code(['./missing']), { code: 127 }, 'a path that is not there');
      t.equal(await code(['./plain']), { code: 126 }, 'a file without the exec bit');
      t.equal(await code(['./folder']), { code: 126 }, 'a directory');
      t.equal(await code(['sh', '-c', 'exit 9']), { code: 9 }, 'a program that is there');
    },
  ),
  must(
    'core/concurrent-exec',
    'concurrent-exec',
    'commands run side by side, each with its own streams and status',
    async (t) => {
      const { sandbox, directory } = await t.shared();
      // Each waits for all others to have begun: run one after the other, none would end.
      const count = 6;
      const one = (index: number): string =>
        `touch begun-${index}; n=0; while [ "$(ls -d begun-* | wc -l)" -lt ${count} ]; do n=$((n+1)); [ $n -gt 400 ] && exit 99; sleep 0.02; done; echo out-${index}; echo err-${index} >&2; exit ${index + 1}`;
      const results = await Promise.all(
        Array.from({ length: count }, (_, index) => sandbox.exec(one(index), { cwd: directory })),
      );
      for (const [index, { exit, stdout, stderr }] of results.entries()) {
        t.equal(exit, { code: index + 1 }, `exit of command ${index}`);
        t.equal(stdout.text, `out-${index}\n`, `stdout of command ${index}`);
        t.equal(stderr.text, `err-${index}\n`, `stderr of command ${index}`);
      }
    },
  ),
  must(
    'core/exec-fresh-shell',
    'concurrent-exec',
    'a command leaves no state to the next: no variable, directory, mask or job',
    async (t) => {
      const sandbox = await t.create();
      await sandbox.exec(
        'cd /; X=1; export X; umask 077; set -e; trap "echo trapped" EXIT; exec 9>&1; echo used',
        { env: { Y: '2' } },
      );
      await sandbox.exec(
        'printf "left without a newline"; printf "\\000\\377"; (sleep 0.3; echo late; echo late >&2) &',
      );
      const next = await sandbox.exec(
        'printf "%s|%s|%s|" "${X-}" "${Y-}" "$(umask)"; false; echo alive',
      );
      t.match(t.succeeded(next, 'the next command'), /^\|\|0?022\|alive\n$/, 'what it saw');
      t.equal(next.stderr.text, '', 'stderr of the next command');
      t.succeeded(
        await sandbox.exec('sleep 0.4; test -w .'),
        'a command while the last one’s background part speaks',
      );
      const many = await Promise.all(
        Array.from({ length: 8 }, (_, index) => sandbox.exec(`echo only-${index}`)),
      );
      t.equal(
        many.map(({ stdout }) => stdout.text),
        Array.from({ length: 8 }, (_, index) => `only-${index}\n`),
        'outputs after it',
      );
    },
  ),
];
