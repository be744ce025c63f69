import { setTimeout as delay } from 'node:timers/promises';
import type { Sandbox } from '@gantry/core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { docker } from '../src/index.ts';
import { daemonOfRun } from './daemon-of-run.ts';
import { testImages } from './test-images.ts';

const manifest = { spec: 'gantry-manifest/1' } as const;

const { bare: _, ...withShell } = testImages;

describe.each(Object.entries(withShell))('commands on %s', (_name, image) => {
  let sandbox: Sandbox;
  beforeAll(async () => {
    sandbox = await docker({ host: daemonOfRun().host, image }).create({
      manifest: { ...manifest, env: { GIVEN: 'one\ntwo', g_k: 'not the key' } },
    });
  }, 60_000);
  afterAll(() => sandbox?.destroy());

  test('arguments of any kind arrive untouched', async () => {
    const odd = [
      'a b',
      '$(id)',
      '*',
      '',
      "quo'te",
      'new\nline',
      '\n',
      '-n',
      '\\0',
      'grüße',
      '\u0081\u0088\u00ff',
    ];
    const argv = await sandbox.exec(['printf', '[%s]', ...odd]);
    expect(argv.stdout.text).toBe(odd.map((word) => `[${word}]`).join(''));
    const long = 'x'.repeat(100_000);
    expect((await sandbox.exec(['printf', '%s', long])).stdout.text).toBe(long);
  });

  test('the environment is the given one, unchanged, with names that shells keep for themselves', async () => {
    const env = { A: 'x\ny', B: "'$A", IFS: '-', UID: '7', OPTIND: 'seven', _x: '' };
    const result = await sandbox.exec(['env'], { env });
    for (const [name, value] of Object.entries({ ...env, GIVEN: 'one\ntwo' })) {
      expect(result.stdout.text).toContain(`${name}=${value}\n`);
    }
    expect(result.stdout.text).not.toMatch(/^(?:OLDPWD|g_v|g_c)=/m);
    expect((await sandbox.exec(['env'])).stdout.text).not.toMatch(/^A=/m);
  });

  test('statuses are exact', async () => {
    const run = async (line: string) => (await sandbox.exec(line)).exit;
    expect(await run('exit 137')).toEqual({ code: 137 });
    for (const signal of ['KILL', 'TERM', 'SEGV', 'HUP']) {
      expect(await run(`kill -${signal} $$`)).toEqual({ signal: `SIG${signal}` });
    }
    expect((await sandbox.exec(['no-such-program'])).exit).toEqual({ code: 127 });
    await sandbox.files.write('plain', 'x', { mode: 0o644 });
    expect((await sandbox.exec(['./plain'])).exit).toEqual({ code: 126 });
    await expect(sandbox.exec('touch ran', { cwd: 'nowhere' })).rejects.toMatchObject({
      code: 'failed-precondition',
      details: { reason: 'cwd' },
    });
    expect(await sandbox.files.exists('ran')).toBe(false);
  });

  test('bytes pass both ways, and outputs stay apart', async () => {
    const bytes = Buffer.from(
      Array.from({ length: 3_000_000 }, (_, index) => (index * 7 + (index >> 8)) & 0xff),
    );
    const echoed = await sandbox.exec('tee /dev/fd/2', { stdin: bytes }).catch(() => undefined);
    const plain = echoed?.ok ? echoed : await sandbox.exec('cat', { stdin: bytes });
    expect(Buffer.from(plain.stdout.bytes).equals(bytes)).toBe(true);
    expect((await sandbox.exec(['cat'])).stdout.totalBytes).toBe(0);
    const big = await sandbox.exec('head -c 50000000 /dev/zero; head -c 30000000 /dev/zero >&2', {
      maxOutputBytes: 9,
    });
    expect([big.stdout.totalBytes, big.stderr.totalBytes]).toEqual([50_000_000, 30_000_000]);
  });

  test('input that is in memory takes no lane of its own, read or not', async () => {
    const client = daemonOfRun().client.getContainer(`gantry-${sandbox.ref.id}`);
    const execs = async (): Promise<number> => (await client.inspect()).ExecIDs?.length ?? 0;
    await sandbox.exec(['true']);
    const before = await execs();
    const bytes = new Uint8Array(1_000_000).fill(10);
    for (let turn = 0; turn < 5; turn++) {
      expect((await sandbox.exec('wc -l', { stdin: bytes })).stdout.text.trim()).toBe('1000000');
      expect((await sandbox.exec('head -c 1; exit 7', { stdin: bytes })).exit).toEqual({ code: 7 });
      expect((await sandbox.exec(['true'], { stdin: bytes })).exit).toEqual({ code: 0 });
      expect((await sandbox.exec('kill -9 $$', { stdin: bytes })).exit).toEqual({
        signal: 'SIGKILL',
      });
      const empty = await sandbox.exec('cat; echo end', { stdin: '' });
      expect(empty.stdout.text).toBe('end\n');
    }
    expect(await execs()).toBeLessThanOrEqual(before + 1); // One may stand by for a kill.
    const line = `trap 'echo caught; exit 9' TERM; echo on; while :; do sleep 1; done`;
    await using trapping = await sandbox.spawn(line, { stdin: bytes });
    const output = trapping.stdout.getReader();
    expect(Buffer.from((await output.read()).value ?? []).toString()).toBe('on\n');
    await trapping.kill('SIGTERM');
    expect(Buffer.from((await output.read()).value ?? []).toString()).toBe('caught\n');
    expect(await trapping.exit).toEqual({ code: 9 });
    output.releaseLock();
    await using deaf = await sandbox.spawn(['sleep', '751'], { stdin: bytes });
    await deaf.kill('SIGKILL');
    expect(await deaf.exit).toEqual({ signal: 'SIGKILL' });
    const stopped = sandbox.exec('sleep 741', { stdin: bytes, timeoutMs: 1_000 });
    await expect(stopped).rejects.toMatchObject({ code: 'deadline-exceeded' });
    expect((await sandbox.exec('echo well')).stdout.text).toBe('well\n');
  });

  test('input that is in memory arrives without head(1) too', async () => {
    const host = daemonOfRun().host;
    const env = { PATH: '/workspace/tools' };
    await using bare = await docker({ host, image }).create({ manifest: { ...manifest, env } });
    const line =
      'PATH=/bin; mkdir tools; for t in cat dd; do ln -s "$(command -v $t)" tools 2>/dev/null || ln -s /bin/busybox tools/$t; done';
    expect((await bare.exec(line)).ok).toBe(true);
    const fed = await bare.exec(['/bin/cat'], { stdin: 'one\ntwo' });
    expect([fed.stdout.text, (await bare.exec('echo on')).stdout.text]).toEqual([
      'one\ntwo',
      'on\n',
    ]);
  });

  test('input may stop being read, and a source may fail', async () => {
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (;;) yield new Uint8Array(65_536);
    }
    const early = await sandbox.exec('head -c 10 >/dev/null; exec 0<&-; echo done', {
      stdin: endless(),
    });
    expect(early.stdout.text).toBe('done\n');
    async function* broken(): AsyncGenerator<string> {
      yield 'first';
      throw new Error('tape tore');
    }
    await expect(sandbox.exec('cat; sleep 60', { stdin: broken() })).rejects.toMatchObject({
      code: 'aborted',
    });
  });

  test('output that nobody reads blocks its writer', async () => {
    await using running = await sandbox.spawn(
      'head -c 30000000 /dev/zero; echo finished > finished',
    );
    await delay(500);
    expect(await sandbox.files.exists('finished')).toBe(false);
    let total = 0;
    for await (const chunk of running.stdout) total += chunk.length;
    expect(total).toBe(30_000_000);
    expect(await running.exit).toEqual({ code: 0 });
  });

  test('a kill reaches the whole tree, sessions of their own and orphans included', async () => {
    const line = `trap '' TERM; (setsid sh -c 'sleep 701 & sleep 702' &); (env -i setsid sleep 703 &); setsid sleep 704 & sleep 705`;
    const error: unknown = await sandbox
      .exec(line, { timeoutMs: 3_000 })
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'deadline-exceeded' });
    const left = async (): Promise<string> =>
      (await sandbox.exec('cat /proc/[0-9]*/cmdline | tr "\\0" " "')).stdout.text;
    await expect.poll(left, { timeout: 30_000 }).not.toMatch(/sleep 70\d/);
    await using flood = await sandbox.spawn('yes');
    await delay(200);
    await flood.kill('SIGKILL');
    expect(await flood.exit).toEqual({ signal: 'SIGKILL' });
  });

  test('a command is not hit by the end of a call that is over', async () => {
    const control = new AbortController();
    const many = Array.from({ length: 3 }, () =>
      sandbox.exec(['sleep', '0.1'], { signal: control.signal }),
    );
    await Promise.all(many);
    const running = Promise.all([1, 2, 3].map((n) => sandbox.exec(`sleep 1; echo ${n}`)));
    control.abort();
    expect((await running).map(({ stdout }) => stdout.text)).toEqual(['1\n', '2\n', '3\n']);
  });

  test('an abort at any moment leaves no process', async () => {
    for (const wait of [0, 1, 2, 4, 8, 16, 32, 64]) {
      const call = sandbox.exec('sleep 731; sleep 732', { signal: AbortSignal.timeout(wait) });
      await expect(call).rejects.toMatchObject({ code: 'cancelled' });
    }
    const left = async (): Promise<string> =>
      (await sandbox.exec('cat /proc/[0-9]*/cmdline | tr "\\0" " "')).stdout.text;
    await expect.poll(left, { timeout: 30_000 }).not.toMatch(/sleep 73\d/);
  });

  test('what a command leaves behind lives on, and its output is nobody else’s', async () => {
    const result = await sandbox.exec('(sleep 1; echo late; echo late >&2) & echo $!; exit 4');
    expect(result).toMatchObject({ exit: { code: 4 }, lingering: true });
    for (let turn = 0; turn < 15; turn++) {
      const next = await sandbox.exec('echo own; sleep 0.1');
      expect([next.stdout.text, next.stderr.text]).toEqual(['own\n', '']);
    }
    const service = await sandbox.exec('setsid sleep 711 >/dev/null 2>&1 & echo $!');
    await sandbox.exec(['true']);
    expect((await sandbox.exec(`kill ${service.stdout.text.trim()}`)).exit).toEqual({ code: 0 });
  });

  test('commands run side by side, and each has its own output', async () => {
    const runs = Array.from({ length: 20 }, (_, index) =>
      sandbox.exec(`sleep 0.2; echo out ${index}; echo err ${index} >&2; exit ${index}`),
    );
    (await Promise.all(runs)).forEach((result, index) => {
      expect(result.exit).toEqual({ code: index });
      expect([result.stdout.text, result.stderr.text]).toEqual([
        `out ${index}\n`,
        `err ${index}\n`,
      ]);
    });
  });

  test('files of any name and bytes, and links that the guest planted', async () => {
    const bytes = Buffer.from(Array.from({ length: 70_000 }, (_, index) => index & 0xff));
    const name = Buffer.concat([Buffer.from("odd ' \n -x "), Buffer.from([0xff, 0xfe])]);
    await sandbox.files.write(name, bytes, { mode: 0o751 });
    expect(Buffer.from(await sandbox.files.readBytes(name)).equals(bytes)).toBe(true);
    expect(await sandbox.files.stat(name)).toMatchObject({ mode: 0o751, size: 70_000 });
    await sandbox.exec('ln -s /etc planted');
    await expect(sandbox.files.write('planted/passwd', 'x')).rejects.toMatchObject({
      code: 'permission-denied',
    });
  });

  test('a fork bomb is stopped by its time limit, and the sandbox goes on', async () => {
    const error: unknown = await sandbox
      .exec('f() { sleep 60 & f & f & wait; }; sleep 0.4; f', { timeoutMs: 3_000 })
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'deadline-exceeded' });
    await expect
      .poll(async () => (await sandbox.exec(['true']).catch(() => undefined))?.ok, {
        timeout: 60_000,
      })
      .toBe(true);
  });

  test('the terminal has its size, takes keys, and ends with its program', async () => {
    await using terminal = await sandbox.terminal({
      size: { columns: 91, rows: 33 },
      env: { A: 'secret b' },
    });
    const reader = terminal.output.getReader();
    let seen = '';
    const until = async (pattern: RegExp): Promise<void> => {
      while (!pattern.test(seen)) {
        const { done, value } = await reader.read();
        if (done) throw new Error(`the terminal ended after ${JSON.stringify(seen)}`);
        seen += Buffer.from(value).toString();
      }
    };
    const writer = terminal.input.getWriter();
    await writer.write(Buffer.from('stty size; echo "<$A>"\n'));
    await until(/33 91\r\n[^]*<secret b>/);
    await terminal.resize({ columns: 70, rows: 20 });
    await writer.write(Buffer.from('stty size; exit 3\n'));
    await until(/20 70/);
    expect(await terminal.exit).toEqual({ code: 3 });
    const killed = await sandbox.terminal({ command: ['sleep', '721'] });
    await killed.kill('SIGTERM');
    expect(await killed.exit).toEqual({ signal: 'SIGTERM' });
  });

  test('a manifest’s thousand files arrive in one go', async () => {
    const entries = Object.fromEntries(
      Array.from({ length: 1_000 }, (_, index) => [
        `many/${index}`,
        { type: 'file', text: `n ${index}` } as const,
      ]),
    );
    const receipt = await sandbox.apply({ ...manifest, entries });
    expect(receipt.entries.filter(({ type }) => type === 'file')).toHaveLength(1_000);
  });
});
