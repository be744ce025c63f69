import { readFileSync, readlinkSync } from 'node:fs';
import { refusedToStart } from './errors.ts';

const namespaces = ['cgroup', 'ipc', 'mnt', 'net', 'pid', 'user', 'uts'] as const;

/**
 * Asks the kernel whether every control holds for a sandbox's first process, from which all others
 * inherit them. Throws `failed-precondition` that names the one that does not.
 */
export function checkMainProcess(pid: number, uid: number): void {
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
    Uid: Array.from({ length: 4 }, () => uid).join('\t'),
  };
  for (const [name, value] of Object.entries(expected)) {
    const found = status.get(name);
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

const own = new Map<string, string>();

/** This process's own namespace of a kind, which never changes. */
function ownNamespace(name: string): string {
  const namespace = own.get(name) ?? readlinkSync(`/proc/self/ns/${name}`);
  own.set(name, namespace);
  return namespace;
}
