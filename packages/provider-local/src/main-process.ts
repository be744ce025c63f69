import { readFileSync, readlinkSync, statSync } from 'node:fs';
import { refusedToStart } from './errors.ts';

const namespaces = ['cgroup', 'ipc', 'mnt', 'net', 'pid', 'user', 'uts'] as const;

/**
 * Asks the kernel whether every control holds for a sandbox's first process, from which all others
 * inherit them. Throws `failed-precondition` that names the one that does not. `uid` is the sandbox's own, where
 * it has one: then it has that group and no other.
 */
export function checkMainProcess(pid: number, uid: number | undefined): void {
  const status = new Map(
    readFileSync(`/proc/${pid}/status`, 'latin1')
      .split('\n')
      .map((line): [string, string] => {
        const [name = '', value = ''] = line.split(':\t');
        return [name, value];
      }),
  );
  const expected: Record<string, string> = {
    ...Object.fromEntries(
      ['Inh', 'Prm', 'Eff', 'Bnd', 'Amb'].map((set) => [`Cap${set}`, '0'.repeat(16)]),
    ),
    NoNewPrivs: '1',
    Seccomp: '2',
    Uid: four(uid ?? statSync('/proc/self').uid),
    ...(uid === undefined ? {} : { Gid: four(uid), Groups: '' }),
  };
  for (const [name, value] of Object.entries(expected)) {
    const found = status.get(name)?.trim();
    if (found !== value) {
      throw refusedToStart(
        `its first process has ${name} ${found ?? '(not told)'} and not ${value}`,
        {
          control: name,
        },
      );
    }
  }
  for (const name of namespaces) {
    if (readlinkSync(`/proc/${pid}/ns/${name}`) === ownNamespace(name)) {
      throw refusedToStart(`its first process shares the ${name} namespace of the host`, {
        control: `${name} namespace`,
      });
    }
  }
}

/** The same for all of the real, effective, saved and file system id. */
function four(id: number): string {
  return Array.from({ length: 4 }, () => id).join('\t');
}

const own = new Map<string, string>();

/** This process's own namespace of a kind, which never changes. */
function ownNamespace(name: string): string {
  const namespace = own.get(name) ?? readlinkSync(`/proc/self/ns/${name}`);
  own.set(name, namespace);
  return namespace;
}
