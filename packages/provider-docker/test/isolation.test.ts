import type { Provider } from '@gantry/core/driver';
import { beforeAll, describe, expect, test } from 'vitest';
import { docker } from '../src/index.ts';
import { daemonOfRun } from './daemon-of-run.ts';
import { testImages } from './test-images.ts';

const manifest = { spec: 'gantry-manifest/1' } as const;
let daemon: ReturnType<typeof daemonOfRun>;
let provider: Provider;
beforeAll(() => {
  daemon = daemonOfRun();
  provider = docker({ host: daemon.host, image: testImages.busybox });
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
