import assert from 'node:assert/strict';
import { eventually, type Scenario, shell } from './scenario.ts';

/** How many processes run `sleep` with one of these arguments. */
const count = (...seconds: number[]): string =>
  `for one in /proc/[0-9]*; do tr '\\0' ' ' <$one/cmdline; echo; done 2>/dev/null | grep -cxE 'sleep (${seconds.join('|')}) ' || true`;

/** What the end of a command reaches. */
export const killScenarios: readonly Scenario[] = [
  {
    name: 'kills every descendant at an abort, daemons too, and nothing of another command',
    async run({ provider }) {
      await using sandbox = await provider.create();
      await using _other = await sandbox.spawn('setsid sleep 2001 & sleep 2001');
      // A child that a command leaves behind when it ends is no part of a later one.
      await shell(sandbox, 'setsid sleep 2002 >/dev/null 2>&1 &');
      const line = [
        'sleep 2003 &',
        'setsid sleep 2004 &',
        "trap '' TERM; (setsid sh -c 'nohup sleep 2005 & (setsid env -i sleep 2006 &)' &)",
        'nohup sh -c "trap \\"\\" TERM HUP INT; sleep 2007" >/dev/null 2>&1 </dev/null &',
        'env -i setsid -f sleep 2008',
        'sleep 2009',
      ].join('\n');
      const victims = [2003, 2004, 2005, 2006, 2007, 2008, 2009];
      const enough = new AbortController();
      const running = sandbox.exec(line, { signal: enough.signal }).then(
        () => assert.fail('it did not end'),
        (error: unknown) => error,
      );
      await eventually(
        async () => Number(await shell(sandbox, count(...victims))) >= victims.length,
        'all of them run',
      );
      enough.abort();
      const error = await running;
      assert.ok(error instanceof Error && 'code' in error && 'details' in error);
      assert.equal(error.code, 'cancelled');
      await eventually(
        async () => (await shell(sandbox, count(...victims))) === '0\n',
        'all have ended',
      );
      assert.equal(await shell(sandbox, count(2001)), '2\n');
      assert.equal(await shell(sandbox, count(2002)), '1\n');
    },
  },
  {
    name: 'kills every descendant of a detached process too: by kill from anywhere, time-out and abort',
    async run({ provider }) {
      await using sandbox = await provider.create();
      await shell(sandbox, 'setsid sleep 3000 >/dev/null 2>&1 &');
      const daemons = (first: number): string =>
        [
          `(setsid sh -c "nohup sleep ${first} & (setsid env -i sleep ${first + 1} &)" &)`,
          `env -i setsid -f sleep ${first + 2}`,
          `trap '' TERM HUP INT; setsid sleep ${first + 3} & sleep ${first + 4}`,
        ].join('\n');
      const run = (first: number): Promise<boolean> =>
        shell(sandbox, count(...[0, 1, 2, 3, 4].map((n) => first + n))).then(
          (found) => found === '5\n',
        );
      const gone = async (first: number): Promise<void> => {
        const left = count(...[0, 1, 2, 3, 4].map((n) => first + n));
        // An abort waits two seconds for them and then tells of those that are left, so wait on.
        await eventually(async () => (await shell(sandbox, left)) === '0\n', 'all have ended');
        assert.equal(await shell(sandbox, count(3000)), '1\n');
      };

      const detached = true;
      const killed = await sandbox.spawn(daemons(3010), { detached });
      await eventually(() => run(3010), 'all of them run');
      const other = await provider.connect(sandbox.ref);
      await using attached = await other.attach(killed.id ?? '');
      await attached.kill('SIGKILL');
      await gone(3010);
      assert.deepEqual(await killed.exit, { signal: 'SIGKILL' });
      // What has ended is not killed again.
      await attached.kill('SIGKILL');
      await other.release();

      const controller = new AbortController();
      const aborted = await sandbox.spawn(daemons(3020), { detached, signal: controller.signal });
      await eventually(() => run(3020), 'all of them run');
      controller.abort();
      await assert.rejects(aborted.exit, { code: 'cancelled' });
      await gone(3020);

      // Time may be up before it has started, too.
      const late = sandbox.spawn(daemons(3030), { detached, timeoutMs: 3_000 });
      await assert.rejects(
        late.then(({ exit }) => exit),
        { code: 'deadline-exceeded' },
      );
      await gone(3030);
    },
  },
  {
    name: 'kills a daemon that keeps starting itself anew',
    async run({ provider }) {
      await using sandbox = await provider.create();
      await sandbox.files.write(
        'again',
        'date +%N >beat; setsid sh again >/dev/null 2>&1 & exit\n',
      );
      const daemon = await sandbox.spawn('sh again; sleep 1000');
      const beat = (): Promise<string> => shell(sandbox, 'cat beat');
      const first = await eventually(
        async () => await sandbox.files.exists('beat'),
        'it runs',
      ).then(beat);
      await eventually(async () => (await beat()) !== first, 'it goes on');
      await daemon.kill('SIGKILL');
      const last = await beat();
      await shell(sandbox, 'sleep 0.5');
      assert.equal(await beat(), last);
    },
  },
  {
    name: 'delivers any signal to every descendant',
    async run({ provider }) {
      await using sandbox = await provider.create();
      const waiter = (file: string): string =>
        `trap 'echo got >${file}; exit 3' USR1; echo ready >${file}; while :; do sleep 0.1; done`;
      const command = await sandbox.spawn(
        `(setsid sh -c "${waiter('far')}" &) ; ${waiter('near')}`,
      );
      const read = (file: string): Promise<string> =>
        shell(sandbox, `cat ${file} 2>/dev/null || true`);
      const both = async (word: string): Promise<boolean> =>
        (await read('near')) === `${word}\n` && (await read('far')) === `${word}\n`;
      await eventually(() => both('ready'), 'both wait');
      await command.kill('SIGUSR1');
      await eventually(() => both('got'), 'both have it');
      assert.deepEqual(await command.exit, { code: 3 });
    },
  },
];
