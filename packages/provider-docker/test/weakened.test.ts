import path from 'node:path';
import { runConformance } from '@gantry/conformance';
import { expect, test } from 'vitest';
import { daemonOfRun } from './daemon-of-run.ts';
import { testImages } from './test-images.ts';
import type { WeakDockerOptions } from './weak-docker.ts';

/** Which checks must fail on each weakened subject, and what each must have found. */
const weakened: Readonly<Record<WeakDockerOptions['weakness'], Readonly<Record<string, RegExp>>>> =
  {
    privileged: {
      'isolation/host-sockets': /socket:\/var\/run\/docker\.sock/,
      'isolation/host-user': /runs as root of the host/,
      'isolation/capabilities': /CapEff: .*"SYS_ADMIN"/,
      'isolation/no-new-privileges': /NoNewPrivs: expected "1", found "0"/,
      'isolation/system-calls': /Seccomp .*found "0"/,
      'isolation/user-namespaces': /unshare: user succeeded/,
      'isolation/mounting': /mounts that succeeded: .*"mount:tmpfs"/,
      'isolation/kernel-settings': /core_pattern/,
      'isolation/kernel-memory': /\/dev\/kmsg/,
      'isolation/devices': /block devices in \/dev: expected 0/,
      'isolation/cgroups':
        /control groups that can be changed: .*\/sys\/fs\/cgroup|"made"|"mounted"/,
      'isolation/clock': /SYS_TIME or SYS_MODULE/,
      'isolation/network-interfaces': /"eth0"/,
      'isolation/network-host': /reached:\d/,
      'isolation/process-limit': /300 processes was let through/,
    },
    'host-parts': {
      'isolation/host-files': /read:\/mnt\/host\/.*canary/,
      'isolation/host-sockets': /socket:\/opt\/engine/,
      'isolation/base-unchanged': /"\/dev\/shm\/planted/,
      'isolation/workspaces-apart': /"seen:\/dev\/shm"/,
      'isolation/namespaces': /in the host's ipc namespace/,
      'isolation/ipc': /shared memory: expected "", found "host"/,
      'isolation/abstract-sockets': /abstract socket of the host/,
      'isolation/devices': /opened or made: .*"block"/,
      'isolation/network-host': /listeners of the host/,
      'isolation/network-neighbours': /both sandboxes are in network namespace/,
    },
  };

test.each(['privileged', 'host-parts'] as const)(
  'a container that is %s fails loudly',
  async (weakness) => {
    const expected = weakened[weakness];
    const load = path.join(import.meta.dirname, 'weak-docker.ts');
    const options = { host: daemonOfRun().host, image: testImages.debian, weakness };
    const only = Object.keys(expected);
    const profiles = ['isolation'];
    const report = await runConformance({
      subject: { load, options },
      profiles,
      only,
      timeoutScale: 4,
    });
    // A check that failed for another reason has seen nothing of what is wrong.
    const found = report.checks.filter(({ id }) => id in expected);
    expect(Object.fromEntries(found.map(({ id, message }) => [id, message]))).toEqual(
      Object.fromEntries(only.map((id) => [id, expect.stringMatching(expected[id] ?? /^$/)])),
    );
    expect(found.map(({ status }) => status)).toEqual(only.map(() => 'fail'));
    expect(report.conformant).toBe(false);
  },
);
