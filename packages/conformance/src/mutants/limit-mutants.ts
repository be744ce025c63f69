import { SandboxError } from '@gantry/core';
import { onCommand, onCreate, onProcess } from './driver-edits.ts';
import type { Mutant } from './mutant.ts';

const enforced = {
  memory: 'enforced',
  pids: 'enforced',
  cpu: 'enforced',
  disk: 'enforced',
} as const;

/** The error of a command that ran out of memory. */
function outOfMemory(): SandboxError {
  return new SandboxError('resource-exhausted', 'out of memory', {
    outcome: 'unknown',
    details: { reason: 'oom' },
  });
}

export const limitMutants: readonly Mutant[] = [
  {
    name: 'limit-per-process',
    breaks: 'limits each process by itself, and all together not at all',
    kills: ['resources/hold'],
    wrap: (driver) => {
      const limited = onCommand((command) => ({
        ...command,
        argv: ['/bin/sh', '-c', 'ulimit -v 262144; exec "$@"', 'sh', ...command.argv],
      }))(driver);
      return {
        ...limited,
        traits: { ...driver.traits, limits: enforced },
        resources: { settable: ['memoryBytes'] },
        create: ({ resources: _dropped, ...request }, call) => driver.create(request, call),
      };
    },
  },
  {
    name: 'one-limit-at-a-time',
    breaks: 'takes no more than one limit for a sandbox',
    kills: ['resources/settable'],
    wrap: (driver) => ({
      ...driver,
      create(request, call) {
        if (Object.keys(request.resources ?? {}).length < 2) return driver.create(request, call);
        return Promise.reject(new SandboxError('unsupported', 'one limit at a time'));
      },
    }),
  },
  {
    name: 'oom-untold',
    breaks: 'reads a death for want of memory as an exit code',
    kills: ['resources/oom'],
    wrap: onProcess(({ exit }) => ({
      exit: exit.catch((error: unknown) => {
        if (SandboxError.is(error) && error.details['reason'] === 'oom') return { code: 137 };
        throw error;
      }),
    })),
  },
  {
    name: 'oom-guessed',
    breaks: 'takes every SIGKILL for a want of memory',
    kills: ['resources/oom'],
    wrap: onProcess(({ exit }) => ({
      exit: exit.then((status) => {
        if (status.code === 137 || status.signal === 'SIGKILL') throw outOfMemory();
        return status;
      }),
    })),
  },
  {
    name: 'privilege-invented',
    breaks: 'declares a privilege and does not give it',
    kills: ['privilege/modes'],
    wrap: (driver) => ({
      ...onCreate(({ privilege: _dropped, ...request }) => request)(driver),
      privilege: { modes: ['none', 'guest-root'] },
    }),
  },
  {
    name: 'image-ignored',
    breaks: 'makes the same sandbox whatever image was asked for',
    kills: ['images/missing'],
    wrap: (driver) => ({
      ...onCreate(({ image: _dropped, ...request }) => request)(driver),
      images: {},
    }),
  },
];
