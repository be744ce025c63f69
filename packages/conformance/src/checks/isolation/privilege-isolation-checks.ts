import { must, type Check } from '../../check.ts';
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

export const privilegeIsolationChecks: readonly Check[] = [
  must(
    'isolation/capabilities',
    'isolation-privilege',
    'a guest holds no capability that reaches the host, and can get none',
    async (t) => {
      const { sandbox } = await t.shared();
      const found = await probe(
        t,
        sandbox,
        'while read -r name value; do case $name in Cap*) say "${name%:}" "$value";; esac; done < /proc/self/status',
      );
      for (const set of ['CapEff', 'CapPrm', 'CapInh', 'CapAmb', 'CapBnd']) {
        t.match(found.get(set) ?? '', /^[0-9a-f]{16}$/, set);
        t.equal(held(found.get(set) ?? ''), [], `dangerous capabilities in ${set}`);
      }
    },
    { needs },
  ),
  must(
    'isolation/no-new-privileges',
    'isolation-privilege',
    'no program raises privileges',
    async (t) => {
      const { sandbox, directory } = await t.shared();
      const script =
        'say nnp "$(sed -n "s/^NoNewPrivs:[[:space:]]*//p" /proc/self/status)"; cd "$1"; f=; IFS=:; for d in $PATH; do [ -z "$f" ] && [ -x "$d/id" ] && f=$d/id; done; unset IFS; cp "$f" ./id && chmod 6755 ./id; say before "$(id -u)"; say after "$(./id -u)"; for p in su sudo mount passwd; do f=$(command -v $p) && [ -u "$f" ] && say "setuid:$f" yes; done; say done yes';
      const found = await probe(t, sandbox, script, [directory]);
      if (t.claims.isolation === 'process' || t.claims.isolation === 'container')
        t.equal(found.get('nnp'), '1', 'NoNewPrivs');
      t.match(found.get('before') ?? '', /^\d+$/, 'user of the guest');
      t.equal(found.get('after'), found.get('before'), 'user of a setuid program of its own');
    },
    { needs },
  ),
  must(
    'isolation/system-calls',
    'isolation-privilege',
    'system calls are filtered',
    async (t) => {
      const { sandbox } = await t.shared();
      const found = await probe(
        t,
        sandbox,
        'say seccomp "$(sed -n "s/^Seccomp:[[:space:]]*//p" /proc/self/status)"; say done yes',
      );
      const shares = t.claims.isolation === 'process' || t.claims.isolation === 'container';
      t.equal(shares ? found.get('seccomp') : '2', '2', 'Seccomp (2 is a filter)');
    },
    { needs },
  ),
  must(
    'isolation/user-namespaces',
    'isolation-privilege',
    'a guest cannot make a user namespace',
    async (t) => {
      const { sandbox } = await t.shared();
      const script = `say tool none
if has unshare; then say tool unshare; say user "$(can unshare -U true)"; say map "$(can unshare -Ur true)"; say mount "$(can unshare -Urm mount -t tmpfs none /tmp)"; fi
if has perl; then say perl "$(perl -e 'print syscall(272, 0x10000000) == 0 ? "yes" : "no"' 2>/dev/null)"; fi
say filter "$(sed -n "s/^Seccomp:[[:space:]]*//p" /proc/self/status)"; say most "$(cat /proc/sys/user/max_user_namespaces 2>/dev/null)"`;
      const found = await probe(t, sandbox, script);
      const shares = t.claims.isolation === 'process' || t.claims.isolation === 'container';
      for (const way of ['user', 'map', 'mount'])
        t.ok(!shares || found.get(way) !== 'yes', `unshare: ${way} succeeded`);
      t.ok(
        !shares || process.arch !== 'x64' || found.get('perl') !== 'yes',
        'unshare(2) succeeded',
      );
      t.ok(
        !shares || found.get('filter') === '2' || found.get('most') === '0',
        'nothing forbids user namespaces',
      );
    },
    { needs },
  ),
  must(
    'isolation/mounting',
    'isolation-privilege',
    'a guest cannot mount, unmount or remount',
    async (t) => {
      const sandbox = await t.create();
      const [mount, unmount] = process.arch === 'arm64' ? [40, 39] : [165, 166];
      // Without the programs, where there is a perl: the system calls themselves.
      const script = `mkdir -p m
calls() { perl -e '($c, $a, $n, $m) = (@ARGV, "none", "m"); $r = $c == ${mount} ? syscall($c, $n, $m, $a, 0, 0) : syscall($c, $a, 2); exit($r != 0)' "$@"; }
if has mount; then mounts() { mount -t "$1" none m; }; else mounts() { calls ${mount} "$1"; }; fi
if has umount; then lazily() { umount -l "$1"; }; else lazily() { calls ${unmount} "$1"; }; fi
for k in tmpfs proc sysfs devtmpfs cgroup cgroup2 overlay; do say "mount:$k" "$(can mounts $k)"; done
if has mount; then say bind "$(can mount --bind / m)"; say remount "$(can mount -o remount,rw /)"; say sys "$(can mount -o remount,rw /proc/sys)"; fi
say umount "$(can lazily /proc/sys)"; say lazy "$(can lazily /proc)"; say done yes`;
      const found = await probe(t, sandbox, script);
      t.equal(
        [...found].filter(([name, value]) => name !== 'done' && value === 'yes'),
        [],
        'mounts that succeeded',
      );
      t.succeeded(await sandbox.exec('test -r /proc/self/status'), '/proc afterwards');
      const { stdout } = await sandbox.exec('sed -n "s/^CapEff:[[:space:]]*//p" /proc/self/status');
      t.ok(!held(stdout.text.trim()).includes('SYS_ADMIN'), 'the guest holds SYS_ADMIN');
    },
    { needs },
  ),
];
