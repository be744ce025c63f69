import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Sandbox } from '../src/contract/sandbox.ts';
import { defineProvider } from '../src/driver.ts';
import { hostDriver } from './host-driver.ts';

/** Process ids of a process group, from /proc; what is dead and only waits to be reaped does not count. */
function liveGroupMembers(group: number): number[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name) || !existsSync(`/proc/${name}/stat`)) return [];
    const fields = readFileSync(`/proc/${name}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ');
    return fields[0] !== 'Z' && Number(fields[2]) === group ? [Number(name)] : [];
  });
}

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await defineProvider(hostDriver()).create();
});
afterAll(() => sandbox.destroy());

test('a line goes to the shell that was chosen, as its last argument', async () => {
  const shell = ['/bin/sh', '-c', 'printf "%s|" "$@"', 'name', 'first'] as const;
  const { stdout } = await sandbox.exec('a  "$b"; c', { shell });
  expect(stdout.text).toBe('first|a  "$b"; c|');
  await expect(sandbox.exec(['true'], { shell })).rejects.toMatchObject({
    code: 'invalid-argument',
  });
});

test('arguments arrive untouched, and text is a shell line', async () => {
  const odd = ['a b', '$(id)', '*', '', "quo'te", 'new\nline', '-n', '\\0'];
  const argv = await sandbox.exec(['printf', '[%s]', ...odd]);
  expect(argv.stdout.text).toBe(odd.map((word) => `[${word}]`).join(''));
  const shell = await sandbox.exec('printf "%s" "$((6 * 7))"; echo err >&2; exit 3');
  expect(shell).toMatchObject({ exit: { code: 3 }, ok: false, lingering: false });
  expect([shell.stdout.text, shell.stderr.text]).toEqual(['42', 'err\n']);
});

test('the environment is the given one, for the whole line, and not the host’s', async () => {
  process.env['GANTRY_HOST_SECRET'] = 'leak';
  const env = { A: 'one\ntwo', B: '$A' };
  const result = await sandbox.exec('true && printf "%s|%s|%s" "$A" "$B" "$GANTRY_HOST_SECRET"', {
    env,
  });
  delete process.env['GANTRY_HOST_SECRET'];
  expect(result.stdout.text).toBe('one\ntwo|$A|');
});

test('the working directory is the workspace, or the given one; a missing one runs nothing', async () => {
  await sandbox.files.makeDirectory('sub dir');
  const [home, sub] = [await sandbox.exec('pwd'), await sandbox.exec('pwd', { cwd: 'sub dir' })];
  expect(sub.stdout.text).toBe(home.stdout.text.replace('\n', '/sub dir\n'));
  const absolute = await sandbox.exec('pwd', { cwd: '/workspace/sub dir' });
  expect(absolute.stdout.text).toBe(sub.stdout.text);
  await expect(sandbox.exec('touch ran', { cwd: 'nowhere' })).rejects.toMatchObject({
    code: 'failed-precondition',
    details: { reason: 'cwd' },
    operation: 'exec',
  });
  expect(await sandbox.files.exists('ran')).toBe(false);
});

test('what cannot be found or run is a result', async () => {
  expect(await sandbox.exec(['no-such-program'])).toMatchObject({ exit: { code: 127 }, ok: false });
  await sandbox.files.write('not-executable', 'x', { mode: 0o644 });
  expect(await sandbox.exec(['./not-executable'])).toMatchObject({ exit: { code: 126 } });
  expect(await sandbox.exec('kill -KILL $$')).toMatchObject({
    exit: { signal: 'SIGKILL' },
    ok: false,
  });
});

test('input of any size and kind arrives, while output flows', async () => {
  const bytes = Buffer.alloc(3_000_000, '\0\xffgantry', 'latin1');
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (let offset = 0; offset < bytes.length; offset += 700_000) {
      yield bytes.subarray(offset, offset + 700_000);
    }
  }
  const echoed = await sandbox.exec(['cat'], { stdin: chunks() });
  expect(Buffer.from(echoed.stdout.bytes).equals(bytes)).toBe(true);
  const text = await sandbox.exec(['cat'], { stdin: 'grüße' });
  expect(text.stdout.text).toBe('grüße');
  expect((await sandbox.exec(['cat'])).stdout.totalBytes).toBe(0);
});

test('a command that stops reading early is no error, even with endless input', async () => {
  let returned = false;
  async function* endless(): AsyncGenerator<Uint8Array> {
    try {
      for (;;) yield new Uint8Array(65_536);
    } finally {
      returned = true;
    }
  }
  const result = await sandbox.exec('head -c 10 >/dev/null; exec 0<&-; echo done', {
    stdin: endless(),
  });
  expect(result).toMatchObject({ exit: { code: 0 } });
  expect(result.stdout.text).toBe('done\n');
  await delay(50);
  expect(returned).toBe(true);
});

test('an input that fails kills the command and is the cause', async () => {
  async function* broken(): AsyncGenerator<string> {
    yield 'first';
    throw new Error('tape tore');
  }
  const run = sandbox.exec('cat; sleep 60', { stdin: broken() });
  const error: unknown = await run.catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: 'aborted', outcome: 'unknown' });
  expect((error as Error).cause).toMatchObject({ message: 'tape tore' });
});

test('1 GB of output is counted, cut, and never held in memory', async () => {
  const before = process.memoryUsage().rss;
  const result = await sandbox.exec(
    'head -c 500000000 /dev/zero; head -c 500000000 /dev/zero >&2',
    {
      maxOutputBytes: 1_000,
    },
  );
  expect(result).toMatchObject({ exit: { code: 0 } });
  for (const output of [result.stdout, result.stderr]) {
    expect(output).toMatchObject({ totalBytes: 500_000_000, truncated: true });
    expect(output.bytes.length).toBe(1_000);
  }
  expect(process.memoryUsage().rss - before).toBeLessThan(400_000_000);
});

test('output that nobody reads blocks the process rather than fill memory', async () => {
  await using running = await sandbox.spawn('head -c 5000000 /dev/zero; echo finished > finished');
  await delay(300);
  expect(await sandbox.files.exists('finished')).toBe(false);
  let total = 0;
  for await (const chunk of running.stdout) total += chunk.length;
  expect(total).toBe(5_000_000);
  expect(await running.exit).toEqual({ code: 0 });
});

test('a process left behind does not hold exec up, and says so', async () => {
  const result = await sandbox.exec('sleep 1000 & echo $!; exit 4');
  expect(result).toMatchObject({ exit: { code: 4 }, lingering: true });
  await sandbox.exec(['kill', result.stdout.text.trim()]);
});

test.each(['timeout', 'signal'] as const)('a %s kills what ignores SIGTERM', async (how) => {
  const controller = new AbortController();
  const options = how === 'timeout' ? { timeoutMs: 2_000 } : { signal: controller.signal };
  const line = `trap '' TERM; echo $$; echo oops >&2; sleep 60 & wait`;
  const running = sandbox.exec(line, options).catch((reason: unknown) => reason);
  setTimeout(() => controller.abort(new Error('enough')), 2_000);
  const error = await running;
  expect(error).toMatchObject({
    code: how === 'timeout' ? 'deadline-exceeded' : 'cancelled',
    outcome: 'unknown',
    provider: 'host',
    operation: 'exec',
    details: { stderrTail: 'oops\n' },
  });
  const pid = Number((error as { details: { stdoutTail: string } }).details.stdoutTail);
  expect(pid).toBeGreaterThan(1);
  await expect.poll(() => liveGroupMembers(pid)).toEqual([]);
});

test('a signal that has fired prevents the start', async () => {
  const error: unknown = await sandbox
    .exec('touch started', { signal: AbortSignal.abort() })
    .catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: 'cancelled', outcome: 'not-started' });
  expect(await sandbox.files.exists('started')).toBe(false);
});

test('commands run side by side and none gets another’s output', async () => {
  // Each goes on only once all of them have begun.
  const all = 'until [ $(ls began-* | wc -l) -eq 20 ]; do sleep 0.05; done';
  const runs = Array.from({ length: 20 }, (_, index) =>
    sandbox.exec(
      `touch began-${index}; ${all}; echo out ${index}; echo err ${index} >&2; exit ${index}`,
    ),
  );
  const results = await Promise.all(runs);
  results.forEach((result, index) => {
    expect(result.exit).toEqual({ code: index });
    expect([result.stdout.text, result.stderr.text]).toEqual([`out ${index}\n`, `err ${index}\n`]);
  });
});

test('a spawned process takes input, signals and disposal', async () => {
  const running = await sandbox.spawn(['cat'], { stdin: 'stream' });
  const writer = running.stdin?.getWriter();
  await writer?.write(Buffer.from('ping'));
  const reader = running.stdout.getReader();
  expect(Buffer.from((await reader.read()).value ?? []).toString()).toBe('ping');
  await running.kill('SIGINT');
  expect(await running.exit).toEqual({ signal: 'SIGINT' });
  await running.kill();
  let exit: Promise<unknown> | undefined;
  {
    await using sleeper = await sandbox.spawn(['sleep', '60']);
    exit = sleeper.exit;
  }
  expect(await exit).toEqual({ signal: 'SIGKILL' });
});

test('arguments that no process can have are refused', async () => {
  const invalid = { code: 'invalid-argument', outcome: 'not-started', provider: 'host' };
  await expect(sandbox.exec(['a\0b'])).rejects.toMatchObject(invalid);
  await expect(sandbox.exec(['', 'x'])).rejects.toMatchObject(invalid);
  await expect(sandbox.exec('true', { env: { 'A=B': '1' } })).rejects.toMatchObject(invalid);
  await expect(sandbox.exec('true', { env: { A: '\0' } })).rejects.toMatchObject(invalid);
  await expect(sandbox.exec('true', { timeoutMs: 0 })).rejects.toMatchObject(invalid);
  await expect(sandbox.exec('true', { maxOutputBytes: -1 })).rejects.toMatchObject(invalid);
  await expect(sandbox.exec('true', { user: 'root' })).rejects.toMatchObject({
    code: 'unsupported',
    details: { capability: 'users' },
  });
});

test('a log that comes late is not cut where the provider ends it with the command', async () => {
  const driver = hostDriver();
  const late = (lingering: 'told' | 'untold'): Promise<Sandbox> =>
    defineProvider({
      ...driver,
      traits: { ...driver.traits, lingering },
      async spawn(handle, command, call) {
        const started = await driver.spawn(handle, command, call);
        if (!command.argv.includes('log')) return started;
        const bytes = async function* (): AsyncGenerator<Uint8Array> {
          yield Buffer.from('first ');
          await started.exit;
          // Longer than `exec` waits for what is held open by others.
          await delay(800);
          yield Buffer.from('last');
          if (lingering === 'told') await new Promise(() => undefined);
        };
        return { ...started, stdout: ReadableStream.from(bytes()) };
      },
    }).create();
  await using untold = await late('untold');
  expect(await untold.exec(['echo', 'log'])).toMatchObject({
    ...{ stdout: { text: 'first last' }, lingering: false },
  });
  await using spawned = await untold.spawn(['echo', 'log']);
  const text = new Response(spawned.stdout).text();
  void new Response(spawned.stderr).text();
  await spawned.exit;
  expect(await spawned.drained()).toBe('ended');
  expect(await text).toBe('first last');

  await using told = await late('told');
  await using held = await told.spawn(['echo', 'log']);
  const reader = held.stdout.getReader();
  expect(Buffer.from((await reader.read()).value ?? []).toString()).toBe('first ');
  void new Response(held.stderr).text();
  await held.exit;
  const drained = held.drained();
  // Who is busy with what it has is not waited out.
  await delay(600);
  for (let done = false; !done;) ({ done } = await Promise.race([reader.read(), never(drained)]));
  expect(await drained).toBe('lingering');
});

/** Ends a race of reads once the outputs count as drained. */
async function never(drained: Promise<unknown>): Promise<{ readonly done: boolean }> {
  await drained;
  return { done: true };
}
