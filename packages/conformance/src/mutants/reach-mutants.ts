import { SandboxError } from '@gantry/core';
import { onCapability } from './driver-edits.ts';
import type { Mutant } from './mutant.ts';
import { reshapeProvider } from './reshape-provider.ts';

export const reachMutants: readonly Mutant[] = [
  {
    name: 'attach-forgets',
    breaks: 'cannot find a detached process again',
    kills: [
      'processes/detached-outlives',
      'processes/never-waits',
      'processes/attach-offset',
      'processes/attach-ended',
    ],
    wrap: onCapability('processes', () => ({
      attachTo: () => Promise.reject(new SandboxError('not-found', 'there is no such process')),
    })),
  },
  {
    name: 'attach-invents',
    breaks: 'attaches to what is not there',
    kills: ['processes/attach-unknown'],
    weaken: (provider) =>
      reshapeProvider(provider, {
        sandbox: (sandbox) => ({ attach: () => sandbox.spawn('true') }),
      }),
  },
  {
    name: 'endpoint-invented',
    breaks: 'answers for a port on which nobody listens, and after the sandbox has ended',
    kills: ['ports/local', 'ports/refused'],
    wrap: onCapability('ports', () => ({
      expose: async () => ({ url: 'data:text/plain,hello', headers: {} }),
    })),
  },
  {
    name: 'watch-ends-quietly',
    breaks: 'ends a watch without saying why',
    kills: ['watch/ends'],
    weaken: (provider) =>
      reshapeProvider(provider, {
        files: (files) => ({
          async *watch(path, options) {
            try {
              yield* files.watch(path, options);
            } catch {
              // The defect: an abort looks like the end.
            }
          },
        }),
      }),
  },
];
