import { chmod, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Provider } from '@gantry/core/driver';
import type { Sandbox } from '@gantry/core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { docker } from '../src/index.ts';
import { type TestDaemon, testDaemon } from './private-daemon.ts';
import { testImages } from './test-images.ts';

let daemon: TestDaemon;
let provider: Provider;
beforeAll(async () => {
  daemon = await testDaemon();
  provider = docker({ host: daemon.host, image: testImages.busybox });
}, 400_000);
afterAll(async () => {
  const filters = { label: ['dev.gantry.kind'] };
  const left = await daemon.client.listContainers({ all: true, filters });
  await daemon[Symbol.asyncDispose]();
  if (left.length > 0) throw new Error(`left over: ${left.map(({ Names }) => Names).join(' ')}`);
}, 60_000);

const manifest = { spec: 'gantry-manifest/1' } as const;

describe.each(Object.entries(testImages))('commands on %s', (_name, image) => {
  let sandbox: Sandbox;
  beforeAll(async () => {
    sandbox = await docker({ host: daemon.host, image }).create({
      manifest: { ...manifest, env: { GIVEN: 'one\ntwo', g_k: 'not the key' } },
    });
  }, 60_000);
  afterAll(() => sandbox.destroy());

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
      .exec(line, { timeoutMs: 500 })
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'deadline-exceeded', outcome: 'unknown' });
    expect((error as { details: object }).details).not.toHaveProperty('orphan');
    const left = await sandbox.exec('cat /proc/[0-9]*/cmdline | tr "\\0" " "');
    expect(left.stdout.text).not.toMatch(/sleep 70\d/);
    await using flood = await sandbox.spawn('yes');
    await delay(200);
    await flood.kill('SIGKILL');
    expect(await flood.exit).toEqual({ signal: 'SIGKILL' });
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
        timeout: 15_000,
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

describe('isolation', () => {
  test('no rights, no network, no way to the host', async () => {
    await using sandbox = await provider.create();
    const status = (await sandbox.exec('cat /proc/self/status')).stdout.text;
    expect(status).toMatch(/CapEff:\s+0+\n/);
    expect(status).toMatch(/CapBnd:\s+0+\n/);
    expect(status).toMatch(/NoNewPrivs:\s+1\n/);
    expect(status).toMatch(/Seccomp:\s+2\n/);
    expect((await sandbox.exec('id -u; id -g')).stdout.text).toBe('1000\n1000\n');
    expect((await sandbox.exec('touch /file')).exit).toEqual({ code: 1 });
    expect(
      (await sandbox.exec('unshare -U true || unshare -n true || mount -t tmpfs x /tmp')).ok,
    ).toBe(false);
    expect((await sandbox.exec('ls /sys/class/net')).stdout.text.trim()).toBe('lo');
    expect((await sandbox.exec('ls /var/run/docker.sock /run/docker.sock')).ok).toBe(false);
    expect((await sandbox.exec('echo x >/proc/sys/kernel/core_pattern')).ok).toBe(false);
    await sandbox.exec('kill -9 -1').catch(() => undefined);
    expect((await sandbox.exec('echo alive')).stdout.text).toBe('alive\n');
  });

  test('values of variables are on no command line', async () => {
    await using sandbox = await provider.create({
      manifest: { ...manifest, env: { ONE: 'canary-of-create' } },
    });
    await using running = await sandbox.spawn(['sleep', '60'], { env: { TWO: 'canary-of-spawn' } });
    const lines = await sandbox.exec('cat /proc/[0-9]*/cmdline');
    expect(lines.stdout.text).not.toContain('canary');
    await running.kill();
  });
});

describe('system calls', () => {
  const numbers: Readonly<Record<string, readonly [x64: number, arm64: number]>> = {
    ptrace: [101, 117],
    process_vm_readv: [310, 270],
    keyctl: [250, 219],
    add_key: [248, 217],
    perf_event_open: [298, 241],
    bpf: [321, 280],
    userfaultfd: [323, 282],
    open_by_handle_at: [304, 265],
    kexec_load: [246, 104],
    init_module: [175, 105],
    unshare: [272, 97],
    setns: [308, 268],
    mount: [165, 40],
    io_uring_setup: [425, 425],
    io_uring_enter: [426, 426],
    pidfd_getfd: [438, 438],
  };
  const column = process.arch === 'arm64' ? 1 : 0;

  test('what a sandbox does not need is refused, and what it needs is not', async () => {
    await using sandbox = await docker({ host: daemon.host, image: testImages.debian }).create();
    const call = async (...args: number[]): Promise<number> => {
      const program = `$! = 0; my $r = syscall(${args.join(',')}); print $r < 0 ? $! + 0 : 0`;
      return Number((await sandbox.exec(['perl', '-e', program])).stdout.text);
    };
    for (const [name, number] of Object.entries(numbers)) {
      expect([name, await call(number[column], 0, 0, 0, 0)]).toEqual([name, 1]);
    }
    const [clone3, socket] = [435, [41, 198][column] ?? 0];
    expect(await call(clone3, 0, 0)).toBe(38);
    const [inet, netlink, packet, alg, vsock, route, netfilter] = [2, 16, 17, 38, 40, 0, 12];
    for (const family of [packet, alg, vsock, 3, 9, 15, 45])
      expect(await call(socket, family, 1, 0)).toBe(97);
    expect(await call(socket, netlink, 3, netfilter)).toBe(97);
    expect(await call(socket, netlink, 3, route)).toBe(0);
    expect(await call(socket, inet, 1, 0)).toBe(0);
    expect(await call([56, 220][column] ?? 0, 0x1000_0000, 0, 0, 0, 0)).toBe(1);
  });
});

describe('life', () => {
  test('another process connects, sees the same, and the inventory knows it', async () => {
    await using sandbox = await provider.create({
      labels: { run: 'life', 'odd key': 'ü' },
      maxLifetimeMs: 600_000,
    });
    await sandbox.files.write('left', 'here');
    const other = docker({ host: daemon.host });
    const again = await other.connect(
      JSON.parse(JSON.stringify(sandbox.ref)) as typeof sandbox.ref,
    );
    expect(await again.files.readText('left')).toBe('here');
    await again.release();
    const list = await Array.fromAsync(other.list({ labels: { run: 'life' } }));
    expect(list).toMatchObject([
      { ref: sandbox.ref, labels: { run: 'life', 'odd key': 'ü' }, state: 'running' },
    ]);
    expect(list[0]?.expiresAt).toBeGreaterThan(Date.now() + 500_000);
    expect(await Array.fromAsync(other.list({ labels: { run: 'other' } }))).toEqual([]);
    await other.destroy(sandbox.ref);
    await other.destroy(sandbox.ref);
    expect(await other.inspect(sandbox.ref)).toEqual({ state: 'gone' });
    await expect(other.connect(sandbox.ref)).rejects.toMatchObject({ code: 'not-found' });
  });

  test('a sandbox ends by itself', async () => {
    const sandbox = await provider.create({ maxLifetimeMs: 2_000 });
    await expect
      .poll(() => provider.inspect(sandbox.ref), { timeout: 10_000 })
      .toEqual({ state: 'gone' });
    await expect(sandbox.exec(['true'])).rejects.toMatchObject({ provider: 'docker' });
    await sandbox.destroy();
  });

  test('suspended it stands still, resumed it goes on', async () => {
    await using sandbox = await provider.create();
    await using running = await sandbox.spawn('while :; do date +%s%N >> ticks; sleep 0.05; done');
    await sandbox.suspend();
    expect(await provider.inspect(sandbox.ref)).toMatchObject({ state: 'suspended' });
    await expect(provider.connect(sandbox.ref)).rejects.toMatchObject({
      code: 'failed-precondition',
    });
    const resumed = await provider.resume(sandbox.ref);
    expect((await resumed.files.readText('ticks')).length).toBeGreaterThan(0);
    await resumed.release();
    await running.kill('SIGKILL');
  });

  test.each(['read-only', 'copy-on-write'] as const)(
    'snapshot and fork of a %s root',
    async (root) => {
      await using source = await provider.create({
        manifest: { ...manifest, root, env: { KEPT: 'yes' } },
      });
      await source.exec('echo first > file; ln -s file link; mkdir d; chmod 750 d');
      const snapshot = await source.nativeSnapshot('filesystem');
      await source.exec('echo second > file');
      {
        await using copy = await provider.createFrom(snapshot, { manifest: { ...manifest, root } });
        const listing = await copy.exec('cat link; stat -c %a-%u d; id -u');
        expect(listing.stdout.text).toBe('first\n750-1000\n1000\n');
      }
      const forks = await source.fork(2);
      const [one, two] = forks.map((result) =>
        result.status === 'fulfilled' ? result.value : undefined,
      );
      await one?.exec('echo third > file');
      expect((await two?.exec('cat file; echo $KEPT'))?.stdout.text).toBe('second\nyes\n');
      expect((await source.exec('cat file')).stdout.text).toBe('second\n');
      await Promise.all([one?.destroy(), two?.destroy()]);
      await provider.removeNativeSnapshot(snapshot);
      await provider.removeNativeSnapshot(snapshot);
      await expect(provider.createFrom(snapshot)).rejects.toMatchObject({ code: 'not-found' });
      const filters = { label: ['dev.gantry.kind=fork'] };
      expect(await daemon.client.listImages({ all: true, filters })).toEqual([]);
    },
    60_000,
  );

  test('fifty at once', async () => {
    const one = async (index: number): Promise<string> => {
      await using sandbox = await provider.create();
      return (await sandbox.exec(`echo ${index}`)).stdout.text.trim();
    };
    const results = await Promise.all(Array.from({ length: 50 }, (_, index) => one(index)));
    expect(results).toEqual(Array.from({ length: 50 }, (_, index) => String(index)));
  }, 120_000);

  test('an aborted create leaves nothing', async () => {
    for (const wait of [1, 20, 60, 150]) {
      const controller = new AbortController();
      setTimeout(() => controller.abort(), wait);
      await expect(provider.create({ signal: controller.signal })).rejects.toMatchObject({
        code: 'cancelled',
      });
    }
    expect(await Array.fromAsync(provider.list())).toEqual([]);
  });
});

describe('requests', () => {
  test('resources hold, and are told', async () => {
    const resources = { memoryBytes: 64 * 2 ** 20, pids: 40, cpus: 0.5 };
    await using sandbox = await provider.create({ manifest: { ...manifest, resources } });
    const bomb = await sandbox.exec('head -c 200000000 /dev/zero | tail -c 150000000 | wc -c');
    expect(bomb.stdout.text.trim()).not.toBe('150000000');
    expect((await sandbox.exec(['echo', 'well'])).stdout.text).toBe('well\n');
    const metrics = await sandbox.metrics();
    expect(metrics.memoryBytes).toBeLessThan(64 * 2 ** 20);
    expect(metrics.pids).toBeGreaterThan(1);
    expect(metrics.cpuSeconds).toBeGreaterThan(0);
  });

  test('users by name and number, and root in the guest', async () => {
    await using sandbox = await provider.create({ manifest: { ...manifest, user: 'worker' } });
    expect((await sandbox.exec('id -u; id -g; touch mine && echo ok')).stdout.text).toBe(
      '1234\n1235\nok\n',
    );
    expect((await sandbox.exec('id -u; id -g', { user: '77' })).stdout.text).toBe('77\n77\n');
    await expect(
      provider.create({ manifest: { ...manifest, user: 'nobody-here' } }),
    ).rejects.toMatchObject({
      code: 'invalid-argument',
    });
    await using root = await provider.create({
      manifest: { ...manifest, privilege: 'guest-root', root: 'copy-on-write' },
    });
    const result = await root.exec(
      'id -u; touch /new && chown 5:5 /new && stat -c %u /new; mount -t tmpfs x /mnt',
    );
    expect(result.stdout.text).toBe('0\n5\n');
    expect(result.ok).toBe(false);
  });

  test('ports appear on the loopback of the host, and need a network', async () => {
    const ports = [8080];
    const network = { mode: 'open' } as const;
    await using sandbox = await provider.create({ manifest: { ...manifest, ports, network } });
    await using server = await sandbox.spawn(
      'mkdir -p www; echo hello > www/index.html; exec httpd -f -p 8080 -h www',
    );
    const { url } = await sandbox.expose(8080);
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    await expect
      .poll(async () => (await fetch(url).catch(() => undefined))?.text())
      .toBe('hello\n');
    await expect(sandbox.expose(9090)).rejects.toMatchObject({ code: 'failed-precondition' });
    await expect(provider.create({ manifest: { ...manifest, ports } })).rejects.toMatchObject({
      code: 'unsupported',
    });
    await server.kill('SIGKILL');
  });

  test('paths of the host are seen as the manifest says', async () => {
    const directory = await mkdtemp(path.join(await realpath(tmpdir()), 'gantry-mount-'));
    try {
      await chmod(directory, 0o755);
      await writeFile(path.join(directory, 'given'), 'from the host');
      const entries = { 'in/put': { type: 'hostMount', source: directory } } as const;
      await using sandbox = await provider.create({ manifest: { ...manifest, entries } });
      expect(await sandbox.files.readText('in/put/given')).toBe('from the host');
      expect((await sandbox.exec('echo x > in/put/given')).ok).toBe(false);
      expect(
        (await sandbox.exec('touch in/beside; stat -c %u in; head -5 /proc/self/status')).stdout
          .text,
      ).toMatch(/^1000\n/);
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  test('an image that is not there, and one that cannot be a sandbox', async () => {
    const error: unknown = await provider
      .create({ manifest: { ...manifest, image: 'gantry-test/no-such-image' } })
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      provider: 'docker',
      operation: 'create',
      details: { image: 'gantry-test/no-such-image' },
    });
    expect(String(error)).toContain('pull or build it with docker first');
  });

  test('without a daemon one sentence says what to do', async () => {
    const nowhere = docker({ host: 'unix:///nowhere/docker.sock' });
    await expect(nowhere.probe()).rejects.toMatchObject({ code: 'failed-precondition' });
    const findings = await nowhere.diagnose();
    expect(findings).toMatchObject([{ control: 'docker daemon', ok: false }]);
    expect(findings[0]?.message).toContain('set DOCKER_HOST');
    await expect(nowhere.create()).rejects.toMatchObject({
      code: 'unavailable',
      outcome: 'not-started',
    });
    expect((await provider.probe()).traits.limits).toMatchObject({
      memory: 'enforced',
      pids: 'enforced',
    });
  });
});
