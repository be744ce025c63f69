import { SandboxError } from '@gantry/core';
import { onCapability } from './driver-edits.ts';
import type { Mutant } from './mutant.ts';

export const suspensionMutants: readonly Mutant[] = [
  {
    name: 'suspended-forever',
    breaks: 'keeps what is suspended beyond its lifetime',
    kills: ['suspend/lifetime'],
    wrap: (driver) => {
      const suspended = new Set<string>();
      const noting = onCapability('suspend', (suspend) => ({
        async suspend(handle, mode, call) {
          await suspend.suspend(handle, mode, call);
          suspended.add(handle.ref.id);
        },
      }))(driver);
      return {
        ...noting,
        inspect: async (ref, call) =>
          suspended.has(ref.id) ? { state: 'suspended' } : driver.inspect(ref, call),
      };
    },
  },
  {
    name: 'disk-is-memory',
    breaks: 'suspends to memory whatever was asked for',
    kills: ['suspend/disk'],
    wrap: onCapability('suspend', (suspend) => ({
      suspend: (handle, _mode, call) => suspend.suspend(handle, 'memory', call),
    })),
  },
  {
    name: 'suspended-unlisted',
    breaks: 'lists suspended sandboxes as running',
    kills: ['suspend/state'],
    wrap: onCapability('inventory', (inventory) => ({
      async *list(labels, call) {
        for await (const summary of inventory.list(labels, call))
          yield { ...summary, state: 'running' };
      },
    })),
  },
  {
    name: 'resume-needs-suspended',
    breaks: 'refuses to resume what runs',
    kills: ['suspend/resume-running'],
    wrap: onCapability('suspend', (suspend, driver) => ({
      async resume(ref, call) {
        const { state } = await driver.inspect(ref, call);
        if (state === 'running') throw new SandboxError('failed-precondition', 'it runs already');
        return suspend.resume(ref, call);
      },
    })),
  },
];
