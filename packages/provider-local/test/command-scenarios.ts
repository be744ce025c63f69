import assert from 'node:assert/strict';
import { eventually, type Scenario, shell } from './scenario.ts';

/** What holds of commands: streams, status, signals, lanes. */
export const commandScenarios: readonly Scenario[] = [
  {
    name: 'keeps stdout, stderr and exit apart, and passes arguments unchanged',
    async run({ provider }) {
      await using sandbox = await provider.create();
      const result = await sandbox.exec('echo out; echo err >&2; exit 3');
      assert.equal(result.stdout.text, 'out\n');
      assert.equal(result.stderr.text, 'err\n');
      assert.deepEqual(result.exit, { code: 3 });
      const words = ['-n', "it's", '$HOME', '`id`', 'a\nb', '', '\\', '*', 'é\u{1F600}', '"', '--'];
      const echoed = await sandbox.exec(['perl', '-e', 'print join("|", @ARGV)', '--', ...words]);
      assert.equal(echoed.stdout.text, words.join('|'));
    },
  },
  {
    name: 'starts every command from the clean environment, the sandbox’s and its own',
    async run({ provider }) {
      process.env['GANTRY_CANARY'] = 'canary-value';
      const manifest = { spec: 'gantry-manifest/1', env: { SHARED: 'a', CHANGED: 'b' } } as const;
      await using sandbox = await provider.create({ manifest });
      const env = {
        CHANGED: "c'\n$x",
        OPTIND: 'odd',
        IFS: 'x',
        UID: '7',
        PATH: '/usr/bin:/bin:/x',
      };
      const { stdout } = await sandbox.exec(['env', '-0'], { env });
      const found = new Map(
        stdout.text
          .split('\0')
          .filter(Boolean)
          .map((entry) => [
            entry.slice(0, entry.indexOf('=')),
            entry.slice(entry.indexOf('=') + 1),
          ]),
      );
      const expected = { SHARED: 'a', ...env, HOME: '/tmp', USER: 'gantry', PWD: '/workspace' };
      for (const [name, value] of Object.entries(expected))
        assert.equal(found.get(name), value, name);
      const names = [...found.keys()].filter((name) => !(name in expected)).toSorted();
      assert.deepEqual(names, ['LANG', 'LOGNAME', 'SHELL']);
      assert.ok(!(await shell(sandbox, 'cat /proc/*/environ 2>/dev/null || :')).includes('canary'));
    },
  },
  {
    name: 'tells signals from exit codes where the shell does, and missing programs and directories',
    async run({ provider }) {
      await using sandbox = await provider.create();
      const exitOf = async (line: string): Promise<unknown> => (await sandbox.exec(line)).exit;
      assert.deepEqual(await exitOf('kill -KILL $$'), { signal: 'SIGKILL' });
      assert.deepEqual(await exitOf('kill -SEGV $$'), { signal: 'SIGSEGV' });
      assert.deepEqual(await exitOf('exit 137'), { code: 137 });
      // The shell has no words for these two; the trait says so.
      assert.deepEqual(await exitOf('kill -INT $$'), { code: 130 });
      assert.deepEqual(await exitOf('kill -PIPE $$'), { code: 141 });
      assert.deepEqual((await sandbox.exec(['no-such-program'])).exit, { code: 127 });
      assert.deepEqual((await sandbox.exec(['/etc'])).exit, { code: 126 });
      await assert.rejects(sandbox.exec('touch ran', { cwd: '/workspace/nowhere' }), {
        code: 'failed-precondition',
        outcome: 'not-started',
      });
      assert.equal(await sandbox.files.exists('ran'), false);
    },
  },
  {
    name: 'gives commands default signal actions, no extra descriptors and a session of their own',
    async run({ provider }) {
      await using sandbox = await provider.create();
      const status = await shell(sandbox, 'grep -E "^Sig(Blk|Ign)" /proc/self/status');
      assert.deepEqual(status.match(/\b[0-9a-f]{16}\b/g), ['0'.repeat(16), '0'.repeat(16)]);
      const open = await shell(sandbox, 'exec ls -l /proc/self/fd/');
      const streams = /-> (\/dev\/null|\/run\/gantry\/[0-9a-f-]+\.[oe]|\/proc\/\d+\/fd)$/;
      assert.deepEqual(
        open
          .split('\n')
          .filter((line) => line.includes('->'))
          .filter((line) => !streams.test(line)),
        [],
      );
      const [pid, , , , group, session] = (await shell(sandbox, 'exec cat /proc/self/stat')).split(
        ' ',
      );
      assert.deepEqual([group, session], [pid, pid]);
    },
  },
  {
    name: 'answers 1000 commands with 16 in flight, each with its own words',
    async run({ provider }) {
      await using sandbox = await provider.create();
      let next = 0;
      const worker = async (): Promise<void> => {
        for (let n = next++; n < 1000; n = next++) {
          const result = await sandbox.exec(`echo o${n}; echo e${n} >&2; exit ${n % 120}`);
          assert.equal(result.stdout.text, `o${n}\n`);
          assert.equal(result.stderr.text, `e${n}\n`);
          assert.deepEqual(result.exit, { code: n % 120 });
        }
      };
      await Promise.all(Array.from({ length: 16 }, worker));
    },
  },
  {
    name: 'streams input with end of input, and survives a command that stops reading',
    async run({ provider }) {
      await using sandbox = await provider.create();
      const large = new Uint8Array(3_000_000).fill(65);
      const counted = await sandbox.exec(['wc', '-c'], { stdin: large });
      assert.equal(counted.stdout.text.trim(), '3000000');
      const early = await sandbox.exec(['head', '-c', '5'], { stdin: large });
      assert.equal(early.stdout.text, 'AAAAA');
      const none = await sandbox.exec(['cat']);
      assert.equal(none.stdout.totalBytes, 0);
      const child = await sandbox.spawn(['sh', '-c', 'exec <&-; sleep 0.2'], { stdin: 'stream' });
      assert.ok(child.stdin);
      const writer = child.stdin.getWriter();
      writer.closed.catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, 100));
      await assert.rejects(writer.write(large), { code: 'EPIPE' });
      assert.deepEqual(await child.exit, { code: 0 });
    },
  },
  {
    name: 'moves 1 GB of output with flat memory, and waits for a slow reader',
    async run({ provider }) {
      await using sandbox = await provider.create();
      const before = process.memoryUsage().rss;
      const child = await sandbox.spawn(['head', '-c', '1000000000', '/dev/zero']);
      let bytes = 0;
      for await (const chunk of child.stdout) bytes += chunk.byteLength;
      assert.equal(bytes, 1_000_000_000);
      const grown = process.memoryUsage().rss - before;
      assert.ok(grown < 400 << 20, `grew by ${grown} bytes`);
      const blocked = await sandbox.spawn([
        'sh',
        '-c',
        'yes | head -c 10000000; echo done >/tmp/done',
      ]);
      await new Promise((resolve) => setTimeout(resolve, 300));
      assert.equal(await sandbox.files.exists('/tmp/done'), false, 'nobody has read');
      for await (const chunk of blocked.stdout) bytes += chunk.byteLength;
      assert.deepEqual(await blocked.exit, { code: 0 });
    },
  },
  {
    name: 'kills a command, also of a process that ignores SIGTERM',
    async run({ provider }) {
      await using sandbox = await provider.create();
      const line = 'trap "" TERM; sleep 1000 & echo ready; while :; do sleep 0.1; done';
      const child = await sandbox.spawn(line);
      const reader = child.stdout.getReader();
      await reader.read();
      await child.kill('SIGTERM');
      await new Promise((resolve) => setTimeout(resolve, 200));
      await child.kill('SIGKILL');
      assert.deepEqual(await child.exit, { signal: 'SIGKILL' });
      await eventually(
        async () =>
          !(await shell(sandbox, 'cat /proc/[0-9]*/comm 2>/dev/null || :')).includes('sleep'),
        'the whole group is gone',
      );
      await child.kill('SIGKILL');
      await assert.rejects(sandbox.exec('trap "" TERM; sleep 1000', { timeoutMs: 200 }), {
        code: 'deadline-exceeded',
      });
      await eventually(
        async () =>
          !(await shell(sandbox, 'cat /proc/[0-9]*/comm 2>/dev/null || :')).includes('sleep'),
        'nothing of it is left',
      );
    },
  },
  {
    name: 'does not hand on the output of a command to a process that one before it left behind',
    async run({ provider }) {
      await using sandbox = await provider.create();
      const left = await sandbox.exec('(sleep 1; echo late; sleep 1000) & echo first');
      assert.equal(left.stdout.text, 'first\n');
      assert.ok(left.lingering);
      const end = performance.now() + 1_200;
      while (performance.now() < end) {
        assert.equal(await shell(sandbox, 'echo next'), 'next\n');
      }
    },
  },
  {
    name: 'leaves no zombie of an orphan',
    async run({ provider }) {
      await using sandbox = await provider.create();
      await shell(sandbox, 'for i in 1 2 3 4 5 6 7 8; do (sleep 0.1 &); done');
      await eventually(async () => {
        const states = await shell(sandbox, 'cat /proc/[0-9]*/stat 2>/dev/null || :');
        return !/\) Z /.test(states) && !states.includes('(sleep)');
      }, 'all orphans are reaped');
    },
  },
];
