import type { ExitStatus } from '@gantry/core';
import { must, type Check } from '../../check.ts';
import type { CheckContext } from '../../runner/check-context.ts';

/** Whether a status says that a signal ended the process, as trait `exit` admits. */
function diedOf(t: CheckContext, exit: ExitStatus, name: string, number: number): boolean {
  return exit.signal === name || (t.claims.exit === 'shell-encoded' && exit.code === 128 + number);
}

const pulse = 'while :; do echo x >> beat; sleep 0.05; done';

/** A file that a process goes on writing to must stop growing. */
async function silent(t: CheckContext, size: () => Promise<number>, what: string): Promise<void> {
  let last = -1;
  const still = async (): Promise<boolean> => {
    const before = await size();
    await new Promise((resolve) => setTimeout(resolve, t.limits.quiet));
    last = await size();
    return last === before;
  };
  await t.eventually(t.limits.prompt, still, what);
}

export const endingChecks: readonly Check[] = [
  must('core/exit-codes', 'exit-exact', 'every exit code arrives as it is', async (t) => {
    const { sandbox } = await t.shared();
    const codes = [0, 1, 2, 3, 42, 100, 124, 125, 126, 127, 128, 129, 130, 137, 143, 200, 254, 255];
    const exits = await Promise.all(
      codes.map(async (code) => (await sandbox.exec(`exit ${code}`)).exit),
    );
    for (const [index, exit] of exits.entries())
      t.equal(exit, { code: codes[index] ?? -1 }, `exit ${codes[index]}`);
    const last = await sandbox.exec('true; false');
    t.equal(
      [last.exit, last.ok],
      [{ code: 1 }, false],
      'exit of a line is that of its last command',
    );
  }),
  must(
    'core/exit-signal',
    'exit-exact',
    'a death by signal is told as trait exit says',
    async (t) => {
      const { sandbox } = await t.shared();
      for (const [name, number] of [
        ['SIGKILL', 9],
        ['SIGTERM', 15],
        ['SIGSEGV', 11],
      ] as const) {
        const { exit, ok } = await sandbox.exec([
          'sh',
          '-c',
          `kill -${name.slice(3)} $$; sleep 20`,
        ]);
        t.ok(diedOf(t, exit, name, number), `a death by ${name} reads ${JSON.stringify(exit)}`);
        t.equal(ok, false, 'ok');
      }
      if (t.claims.exit !== 'exact') return;
      t.equal(
        (await sandbox.exec('exit 137')).exit,
        { code: 137 },
        'exit code 137, which is no signal',
      );
    },
  ),
  must(
    'core/trait-exit',
    'trait-true',
    'a provider that can tell signals from codes says so',
    async (t) => {
      const { sandbox } = await t.shared();
      const signals = ['KILL', 'TERM', 'INT', 'PIPE'];
      const died = await Promise.all(
        signals.map((name) => sandbox.exec(['sh', '-c', `kill -${name} $$; sleep 20`])),
      );
      t.equal((await sandbox.exec('exit 137')).exit.code, 137, 'exit 137');
      const told = died.every(({ exit }, index) => exit.signal === `SIG${signals[index]}`);
      t.equal(told ? 'exact' : 'shell-encoded', t.claims.exit, 'trait exit, measured');
    },
  ),
  must(
    'core/exit-not-error',
    'exit-not-error',
    'a lost link is an error, never an exit code',
    async (t) => {
      const sandbox = await t.create(
        {},
        t.provider.wrap((driver) => ({
          ...driver,
          async spawn(handle, command, call) {
            const process = await driver.spawn(handle, command, call);
            if (!command.argv.includes('lose')) return process;
            const lost = new Error('the link was reset');
            await process.kill('SIGKILL');
            return {
              ...process,
              exit: process.exit.then(() => Promise.reject(lost)),
              kill: (signal) => process.kill(signal),
            };
          },
        })),
      );
      t.equal((await sandbox.exec('exit 1')).exit, { code: 1 }, 'a command that fails');
      t.equal(
        (await sandbox.exec('no-such-program-here')).exit,
        { code: 127 },
        'a program that is not there',
      );
      const error = await t.rejects(
        ['unknown', 'unavailable'],
        () => sandbox.exec(['sleep', '20', 'lose']),
        'exec whose link is lost',
      );
      t.equal(error.outcome, 'unknown', 'outcome');
      t.ok(error.retryable === (error.code === 'unavailable'), 'retryable');
      t.equal((await sandbox.exec('echo on')).stdout.text, 'on\n', 'a command afterwards');
    },
  ),
  must('core/kill-signal', 'kill-signal', 'kill delivers that very signal', async (t) => {
    const { sandbox, directory } = await t.shared();
    for (const name of ['TERM', 'INT', 'HUP', 'USR1'] as const) {
      const line = `trap 'echo ${name} > got-${name}; exit 40' ${name}; touch ready-${name}; i=0; while [ $i -lt 400 ]; do i=$((i+1)); sleep 0.05; done`;
      await using process = await sandbox.spawn(line, { cwd: directory });
      await t.eventually(
        t.limits.command,
        () => sandbox.files.exists(`${directory}/ready-${name}`),
        'the trap being set',
      );
      await process.kill(`SIG${name}`);
      t.equal(
        await t.promptly(t.limits.prompt, process.exit, `the end after SIG${name}`),
        { code: 40 },
        'exit by its trap',
      );
      t.equal(
        await sandbox.files.readText(`${directory}/got-${name}`),
        `${name}\n`,
        'signal that arrived',
      );
    }
  }),
  must('core/kill-reach', 'kill-signal', 'kill reaches what trait kill says', async (t) => {
    const sandbox = await t.create();
    await using process = await sandbox.spawn(
      `mkdir group tree; (cd group; ${pulse}) & setsid sh -c 'cd tree; ${pulse}' & wait`,
    );
    const size = (name: string) => async (): Promise<number> =>
      (await sandbox.files.stat(`${name}/beat`)).size;
    for (const name of ['group', 'tree']) {
      await t.eventually(
        t.limits.command,
        () => sandbox.files.exists(`${name}/beat`),
        `the heart-beat of ${name}`,
      );
    }
    await process.kill('SIGKILL');
    const exit = await t.promptly(t.limits.prompt, process.exit, 'the end of a killed process');
    t.ok(diedOf(t, exit, 'SIGKILL', 9), `a killed process reads ${JSON.stringify(exit)}`);
    if (t.claims.kill !== 'process') await silent(t, size('group'), 'silence of the process group');
    if (t.claims.kill === 'tree')
      await silent(t, size('tree'), 'silence of a descendant in its own session');
  }),
  must(
    'core/trait-kill',
    'trait-true',
    'kill reaches no further than trait kill says',
    async (t) => {
      const sandbox = await t.create();
      await using process = await sandbox.spawn(
        `mkdir group tree; (cd group; ${pulse}) & setsid sh -c 'cd tree; ${pulse}' & wait`,
      );
      for (const name of ['group', 'tree']) {
        await t.eventually(
          t.limits.command,
          () => sandbox.files.exists(`${name}/beat`),
          `the heart-beat of ${name}`,
        );
      }
      await process.kill('SIGKILL');
      await t.promptly(
        t.limits.prompt,
        Promise.allSettled([process.exit]),
        'the end of a killed process',
      );
      await new Promise((resolve) => setTimeout(resolve, t.limits.quiet));
      const sizes = async (): Promise<number[]> =>
        Promise.all(
          ['group', 'tree'].map(async (name) => (await sandbox.files.stat(`${name}/beat`)).size),
        );
      const before = await sizes();
      await new Promise((resolve) => setTimeout(resolve, t.limits.quiet));
      const [group, tree] = (await sizes()).map((size, index) => size === before[index]);
      t.equal(tree ? 'tree' : group ? 'group' : 'process', t.claims.kill, 'trait kill, measured');
    },
  ),
  must('core/kill-ended', 'kill-ended', 'killing a process that has ended resolves', async (t) => {
    const { sandbox } = await t.shared();
    await using process = await sandbox.spawn('exit 7');
    t.equal(await t.promptly(t.limits.command, process.exit, 'its end'), { code: 7 }, 'exit');
    await process.kill('SIGTERM');
    await process.kill('SIGKILL');
    t.equal(await process.exit, { code: 7 }, 'exit after the kills');
  }),
  must(
    'core/timeout-kills',
    'timeout-kills',
    'a time-out kills what it stopped, also what ignores SIGTERM',
    async (t) => {
      const sandbox = await t.create();
      const line = `trap '' TERM INT HUP; (${pulse}) & wait`;
      const error = await t.rejects(
        'deadline-exceeded',
        () => sandbox.exec(line, { timeoutMs: t.limits.brief }),
        'exec',
      );
      t.equal(error.outcome, 'unknown', 'outcome');
      t.ok(await sandbox.files.exists('beat'), 'the command never began');
      if (t.claims.kill === 'process') return;
      await silent(
        t,
        async () => (await sandbox.files.stat('beat')).size,
        'silence after the time-out',
      );
    },
  ),
  must('core/timeout-unit', 'call-deadline', 'timeoutMs is in milliseconds', async (t) => {
    const { sandbox } = await t.shared();
    const begin = performance.now();
    await t.rejects(
      'deadline-exceeded',
      () => sandbox.exec('sleep 20', { timeoutMs: 600 }),
      'exec of 20 s in 600 ms',
    );
    const took = performance.now() - begin;
    t.ok(took >= 550, `the time-out of 600 ms came after ${Math.round(took)} ms`);
    t.ok(took < 600 + t.limits.prompt, `the time-out of 600 ms took ${Math.round(took)} ms`);
    const fine = await sandbox.exec('sleep 0.2; echo fine', { timeoutMs: t.limits.command });
    t.equal(fine.stdout.text, 'fine\n', 'a command that ends in time');
  }),
  must('core/abort-kills', 'timeout-kills', 'an abort kills, and says cancelled', async (t) => {
    const sandbox = await t.create();
    const control = new AbortController();
    const process = await sandbox.spawn(pulse, { signal: control.signal });
    await t.eventually(t.limits.command, () => sandbox.files.exists('beat'), 'the start');
    control.abort();
    const error = await t.rejects(
      'cancelled',
      t.promptly(t.limits.prompt, process.exit, 'its end'),
      'exit',
    );
    t.equal(error.outcome, 'unknown', 'outcome');
    await silent(t, async () => (await sandbox.files.stat('beat')).size, 'silence after the abort');
  }),
  must(
    'core/timeout-orphan',
    'timeout-orphan',
    'what cannot be killed is reported as an orphan',
    async (t) => {
      const provider = t.provider.wrap((driver) => ({
        ...driver,
        async spawn(handle, command, call) {
          const process = await driver.spawn(handle, command, call);
          return command.argv.includes('stubborn')
            ? { ...process, kill: async () => undefined }
            : process;
        },
      }));
      const sandbox = await t.create({}, provider);
      const run = (): Promise<unknown> =>
        sandbox.exec(['sh', '-c', 'touch ran; sleep 60', 'stubborn'], {
          timeoutMs: t.limits.brief,
        });
      const error = await t.rejects('deadline-exceeded', run, 'exec of what cannot be killed');
      t.ok(error.details['orphan'] !== undefined, 'details.orphan is missing');
      t.ok(await sandbox.files.exists('ran'), 'the command never began');
      // A busy host may take longer than core waits, so one of a few must be told as gone.
      const killed = async (): Promise<boolean> => {
        const exec = (): Promise<unknown> => sandbox.exec('sleep 60', { timeoutMs: 300 });
        const { details } = await t.rejects(
          'deadline-exceeded',
          exec,
          'exec of what can be killed',
        );
        return details['orphan'] === undefined;
      };
      await t.eventually(t.limits.command, killed, 'a command that was killed being no orphan');
    },
  ),
];
