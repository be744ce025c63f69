import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { must, should, type Check } from '../../check.ts';
import { probe } from './probe.ts';

const needs = { isolation: true } as const;

/** Capabilities by which a guest could reach the host (capabilities(7)). */
const dangerous: Readonly<Record<string, number>> = {
  DAC_READ_SEARCH: 2,
  LINUX_IMMUTABLE: 9,
  NET_ADMIN: 12,
  NET_RAW: 13,
  SYS_MODULE: 16,
  SYS_RAWIO: 17,
  SYS_PTRACE: 19,
  SYS_ADMIN: 21,
  SYS_BOOT: 22,
  SYS_TIME: 25,
  MKNOD: 27,
  MAC_ADMIN: 33,
  SYSLOG: 34,
  PERFMON: 38,
  BPF: 39,
};

function held(mask: string): string[] {
  const bits = BigInt(`0x${mask || '0'}`);
  return Object.entries(dangerous).flatMap(([name, bit]) =>
    (bits >> BigInt(bit)) & 1n ? [name] : [],
  );
}

/** Settings of the host's kernel; each is only opened, never written. */
const settings: readonly string[] = [
  '/proc/sys/kernel/core_pattern',
  '/proc/sys/kernel/modprobe',
  '/proc/sys/kernel/sysrq',
  '/proc/sys/kernel/panic',
  '/proc/sys/kernel/randomize_va_space',
  '/proc/sys/kernel/yama/ptrace_scope',
  '/proc/sys/kernel/unprivileged_bpf_disabled',
  '/proc/sys/vm/overcommit_memory',
  '/proc/sys/vm/drop_caches',
  '/proc/sys/fs/protected_symlinks',
  '/proc/sys/fs/suid_dumpable',
  '/proc/sys/fs/binfmt_misc/register',
  '/proc/sysrq-trigger',
  '/proc/irq/default_smp_affinity',
  '/sys/kernel/uevent_helper',
  '/sys/kernel/mm/ksm/run',
  '/sys/power/state',
  '/sys/fs/cgroup/release_agent',
  '/sys/kernel/debug/tracing/trace',
];

function keysOfHost(): string[] {
  try {
    return readFileSync('/proc/keys', 'utf8')
      .split('\n')
      .flatMap((line) => line.split(' ')[0] || []);
  } catch {
    return []; // A kernel without keys has none to leak.
  }
}

export const kernelIsolationChecks: readonly Check[] = [
  must(
    'isolation/kernel-settings',
    'isolation-kernel',
    "no setting of the host's kernel can be opened for writing",
    async (t) => {
      const { sandbox } = await t.shared();
      const script = `for f in ${settings.join(' ')}; do say "$f" "$(openable "$f")"; done; for f in /proc/sys/kernel/*; do [ -f "$f" ] && [ -w "$f" ] && [ "$(openable "$f")" = yes ] && case $f in */ns_last_pid|*/hostname|*/domainname|*/sem*|*/msg*|*/shm*) ;; *) say "$f" yes;; esac; done; say done yes`;
      const found = await probe(t, sandbox, script);
      t.equal(
        [...found]
          .filter(([name, value]) => name !== 'done' && value === 'yes')
          .map(([name]) => name),
        [],
        'settings that can be opened for writing',
      );
      t.ok(found.has('/proc/sys/kernel/core_pattern'), 'core_pattern was not looked at');
    },
    { needs },
  ),
  must(
    'isolation/kernel-memory',
    'isolation-kernel',
    "the kernel's memory, log and keys cannot be read",
    async (t) => {
      const { sandbox } = await t.shared();
      const files = [
        '/proc/kcore',
        '/dev/mem',
        '/dev/kmem',
        '/dev/port',
        '/dev/kmsg',
        '/proc/kmsg',
        '/dev/kvm',
        '/dev/fuse',
        '/dev/vhost-net',
      ];
      const found = await probe(
        t,
        sandbox,
        `for f in ${files.join(' ')}; do if [ -e "$f" ] && ( exec 3< "$f" ) 2>/dev/null; then say "$f" yes; fi; done; say done yes`,
      );
      t.equal(
        [...found.keys()].filter((name) => name !== 'done'),
        [],
        'files that can be opened',
      );
      if (t.claims.isolation !== 'process' && t.claims.isolation !== 'container') return;
      const keys = (await sandbox.exec('cat /proc/keys 2>/dev/null')).stdout.text;
      const own = keysOfHost();
      t.ok(
        own.every((id) => !keys.includes(id)),
        'keys of the host are in /proc/keys',
      );
    },
    { needs },
  ),
  must(
    'isolation/devices',
    'isolation-kernel',
    'no device of the host is there, and none can be made',
    async (t) => {
      const sandbox = await t.create();
      const script = `say blocks "$(find /dev -type b 2>/dev/null | wc -l)"; if has mknod; then say block "$(can mknod b b 7 0)"; say memory "$(can mknod c c 1 1)"; fi; for d in /dev/sd? /dev/vd? /dev/nvme* /dev/loop-control /dev/mapper/control /dev/dri /dev/input /dev/snd /dev/uinput /dev/net/tun; do [ -e "$d" ] && ( exec 3<> "$d" ) 2>/dev/null && say "device:$d" yes; done; say done yes`;
      const found = await probe(t, sandbox, script);
      t.equal(Number(found.get('blocks')), 0, 'block devices in /dev');
      t.equal(
        [...found].filter(
          ([name, value]) => name !== 'blocks' && name !== 'done' && value === 'yes',
        ),
        [],
        'devices that were opened or made',
      );
    },
    { needs },
  ),
  must(
    'isolation/cgroups',
    'isolation-kernel',
    'a guest cannot change control groups',
    async (t) => {
      const sandbox = await t.create();
      const script = `n=0; for f in /sys/fs/cgroup/cgroup.procs /sys/fs/cgroup/*/cgroup.procs /sys/fs/cgroup/*/tasks /sys/fs/cgroup/*/release_agent /sys/fs/cgroup/*/notify_on_release /sys/fs/cgroup/cgroup.subtree_control; do [ -e "$f" ] && [ "$(openable "$f")" = yes ] && say "$f" yes; done; say made "$(can mkdir /sys/fs/cgroup/gantry-probe)"; rmdir /sys/fs/cgroup/gantry-probe 2>/dev/null; mkdir -p m; has mount && say mounted "$(can mount -t cgroup -o memory none m)"; say done yes`;
      const found = await probe(t, sandbox, script);
      t.equal(
        [...found]
          .filter(([name, value]) => name !== 'done' && value === 'yes')
          .map(([name]) => name),
        [],
        'control groups that can be changed',
      );
    },
    { needs },
  ),
  must(
    'isolation/clock',
    'isolation-kernel',
    'a guest can set no clock and load no module',
    async (t) => {
      const { sandbox } = await t.shared();
      const capabilities = (
        await sandbox.exec('sed -n "s/^CapEff:[[:space:]]*//p" /proc/self/status')
      ).stdout.text.trim();
      // Looked at first: where it could, trying would set the host's clock.
      t.ok(
        !held(capabilities).some((name) => name === 'SYS_TIME' || name === 'SYS_MODULE'),
        'the guest holds SYS_TIME or SYS_MODULE',
      );
      const found = await probe(
        t,
        sandbox,
        // A date that could not set the clock complains; not every one fails.
        'if e=$(date -s "@$(date +%s)" 2>&1 >/dev/null) && [ -z "$e" ]; then say set yes; fi; has insmod && say insmod "$(can insmod /nothing.ko)"; say done yes',
      );
      t.ok(
        found.get('set') !== 'yes' && found.get('insmod') !== 'yes',
        'the clock was set, or a module loaded',
      );
    },
    { needs },
  ),
  should(
    'isolation/host-paths',
    'isolation-host-paths',
    'the sandbox does not learn who runs it, or from where',
    async (t) => {
      const { sandbox } = await t.shared();
      const { stdout } = await sandbox.exec(
        'cat /proc/self/mountinfo /proc/mounts 2>/dev/null; tr "\\0" " " < /proc/1/cmdline 2>/dev/null; env',
      );
      const home = homedir();
      t.ok(
        home.length < 3 || !new RegExp(`(?:^|[ ,=:])${home}(?:/|[ ,]|$)`, 'm').test(stdout.text),
        `the home directory of the host's user, ${home}, shows in mounts, command lines or variables`,
      );
      t.ok(
        !stdout.text.includes(process.cwd()) || process.cwd().length < 3,
        "the host process's working directory shows",
      );
    },
    { needs },
  ),
];
