import { expect, test } from 'vitest';
import { localToolset } from '../../test/local-toolset.ts';
import type { ToolCall } from '../../test/local-toolset.ts';

/** The session that an answer names. */
function sessionOf(answer: string): string {
  const [, id] = /still running as session (\w+)/.exec(answer) ?? [];
  if (id === undefined) throw new Error(`no session in: ${answer}`);
  return id;
}

/** Calls until the answers together hold a text. */
async function until(call: ToolCall, input: object, text: string): Promise<string> {
  let all = '';
  for (let round = 0; round < 600 && !all.includes(text); round++) {
    all += await call('shell', { ...input, yield_ms: 100 });
  }
  return all;
}

test('a command tells its outputs and its exit', async () => {
  const { call, toolset } = await localToolset();
  expect(await call('shell', { command: 'echo out; echo err >&2; exit 3', yield_ms: 60_000 })).toBe(
    'out\n[stderr]\nerr\n[exit code 3]',
  );
  const shell = toolset.get('shell');
  const result = await shell?.execute({ command: 'printf a; kill -9 $$', yield_ms: 60_000 });
  expect(result?.details).toMatchObject({ stdout: 'a', exit: { signal: 'SIGKILL' } });
  expect(await call('shell', { command: 'cat', yield_ms: 60_000 })).toBe('[exit code 0]');
  expect(await call('shell', { command: 'no-such-program-here', yield_ms: 60_000 })).toContain(
    '[exit code 127]',
  );
});

test('directory and exported variables carry over, an explicit directory does not', async () => {
  const { call } = await localToolset();
  const run = (command: string, more = {}): Promise<string> =>
    call('shell', { command, yield_ms: 60_000, ...more });
  await run(
    "mkdir -p 'a b/c' && cd 'a b' && export GREETING=\"it's\nme\" PLAIN=1; unset PLAIN; false",
  );
  expect(await run('pwd; echo "$GREETING ${PLAIN-none}"')).toBe(
    "/workspace/a b\nit's\nme none\n[exit code 0]",
  );
  expect(await run('pwd; echo "$GREETING"; cd /', { cwd: 'a b/c' })).toContain(
    '/workspace/a b/c\nit',
  );
  expect(await run('pwd; cd /workspace; rm -r "a b"; mkdir gone; cd gone')).toContain(
    '/workspace/a b\n',
  );
  await run('rmdir /workspace/gone');
  expect(await run('pwd')).toBe(
    '/workspace\n[stderr]\ngantry: the directory /workspace/gone is gone; this runs in /workspace\n[exit code 0]',
  );
  expect(await run('pwd', { cwd: 'nowhere' })).toMatch(/^error: .*nowhere/);
  expect(await run('pwd', { cwd: '/etc' })).toMatch(/^error: .*outside of the workspace/);
});

test('a long command yields, takes input, ends, and is then gone', async () => {
  const { call } = await localToolset();
  const started = await call('shell', {
    command: 'echo ready; while read -r line; do echo "got $line"; done; echo bye',
    interactive: true,
    yield_ms: 0,
  });
  const session = sessionOf(started);
  const got = await until(call, { session, input: 'grüße\n' }, 'got grüße');
  expect(started + got).toContain('ready');
  const ended = await call('shell', { session, end_input: true, yield_ms: 60_000 });
  expect(ended).toContain('bye');
  expect(ended).toContain('[exit code 0]');
  expect(await call('shell', { session })).toMatch(/^error: There is no running command/);
});

test('a command is killed by its session, by its time-out, and with the toolset', async () => {
  const { call, sandbox, toolset } = await localToolset();
  const first = sessionOf(await call('shell', { command: 'sleep 1000', yield_ms: 0 }));
  expect(await call('shell', { session: first, input: 'x' })).toMatch(/^error: .*takes no input/);
  expect(await call('shell', { session: first, kill: true })).toBe('[killed by SIGKILL]');
  expect(
    await call('shell', { command: 'sleep 1000', timeout_ms: 50, yield_ms: 60_000 }),
  ).toContain('time-out');
  await call('shell', { command: 'sleep 4321', yield_ms: 0 });
  await toolset.close();
  const running = await sandbox.exec(
    'cat /proc/[0-9]*/cmdline | tr "\\0" " " | grep -c "sleep 432[1]"',
  );
  expect(running.stdout.text.trim()).toBe('0');
});

test('an abort kills the command and rejects', async () => {
  const { toolset } = await localToolset();
  const stop = new AbortController();
  const call = toolset.get('shell')?.execute({ command: 'sleep 1000' }, { signal: stop.signal });
  setTimeout(() => stop.abort(new Error('enough')), 50);
  await expect(call).rejects.toThrow('enough');
});

test('a flood keeps head and tail and costs no memory; a child left behind does not hold the answer up', async () => {
  const { call } = await localToolset({ limits: { outputTokens: 100 } });
  const flood = await call('shell', {
    command: 'echo first; seq 1 2000000; echo last; sleep 1000 &',
    yield_ms: 600_000,
  });
  expect(flood.length).toBeLessThan(600);
  expect(flood).toMatch(/^first\n1\n/);
  expect(flood).toMatch(/\n\[… 14\d{6} bytes left out, about \d+ tokens …\]\n/);
  expect(flood).toContain('2000000\nlast\n[exit code 0]');
});

test('too many commands at once are refused by name', async () => {
  const { call, toolset } = await localToolset({ limits: { sessions: 1 } });
  await call('shell', { command: 'sleep 1000', yield_ms: 0 });
  expect(await call('shell', { command: 'true' })).toMatch(
    /^error: 1 commands run already \(\w+: sleep 1000\)/,
  );
  expect(await call('shell', {})).toMatch(/^error: Give either command/);
  expect(await call('shell', { command: 7 })).toMatch(/^error: The input of shell does not fit/);
  await toolset.close();
});
