import { describe, expect, test } from 'vitest';
import { findCgroups } from './find-cgroups.ts';

const v1Mounts = `31 30 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
36 31 0:33 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
37 31 0:34 / /sys/fs/cgroup/freezer rw - cgroup cgroup rw,freezer
`;
const unifiedMount = '41 31 0:38 / /sys/fs/cgroup rw,relatime - cgroup2 cgroup2 rw\n';

/** A host whose files are these, and of whose directories these may be written. */
function find(files: Record<string, string>, writable: (file: string) => boolean = () => true) {
  return findCgroups((file) => files[file] ?? '', writable);
}

describe('findCgroups', () => {
  test('nests below the own group of each version 1 hierarchy', () => {
    const found = find({
      '/proc/self/cgroup': '4:memory:/service/a\n2:cpu,cpuacct:/\n6:freezer:/x\n0::/\n',
      '/proc/self/mountinfo': v1Mounts,
    });
    expect(found).toEqual([
      { path: '/sys/fs/cgroup/memory/service/a', version: 1, controls: ['memory'] },
      { path: '/sys/fs/cgroup/cpu,cpuacct', version: 1, controls: ['cpu', 'cpuacct'] },
    ]);
  });

  test('takes the nearest version 2 group above that hands its controllers on', () => {
    const files = {
      '/proc/self/cgroup': '0::/user.slice/session-1.scope\n',
      '/proc/self/mountinfo': unifiedMount,
      '/sys/fs/cgroup/user.slice/cgroup.subtree_control': 'memory pids\n',
      '/sys/fs/cgroup/cgroup.subtree_control': 'cpu memory pids\n',
    };
    const controls = ['memory', 'pids', 'cpuacct', 'freeze'];
    expect(find(files)).toEqual([{ path: '/sys/fs/cgroup/user.slice', version: 2, controls }]);
    // A group whose processes may not be moved is no use, nor is one above it.
    const closed = (file: string): boolean => file.startsWith('/sys/fs/cgroup/user.slice/session');
    expect(find(files, closed)).toEqual([
      {
        path: '/sys/fs/cgroup/user.slice/session-1.scope',
        version: 2,
        controls: ['cpuacct', 'freeze'],
      },
    ]);
  });

  test('sees a mount that shows a part of the hierarchy only, as containers have it', () => {
    const found = find({
      '/proc/self/cgroup': '4:memory:/docker/abc/inner\n',
      '/proc/self/mountinfo':
        '35 31 0:32 /docker/abc /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n',
    });
    expect(found).toEqual([
      { path: '/sys/fs/cgroup/memory/inner', version: 1, controls: ['memory'] },
    ]);
  });

  test('finds nothing where nothing may be written', () => {
    const files = {
      '/proc/self/cgroup': '4:memory:/\n0::/\n',
      '/proc/self/mountinfo': v1Mounts + unifiedMount,
    };
    expect(find(files, () => false)).toEqual([]);
  });
});
