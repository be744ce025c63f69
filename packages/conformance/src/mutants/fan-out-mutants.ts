import type { DriverHandle } from '@gantry/core/driver';
import { onSpawn } from './driver-edits.ts';
import type { Mutant } from './mutant.ts';
import { reshapeProvider } from './reshape-provider.ts';

export const fanOutMutants: readonly Mutant[] = [
  {
    name: 'creates-in-turn',
    breaks: 'makes one sandbox at a time',
    kills: ['fan-out/overlap'],
    weaken: (provider) => {
      let last: Promise<unknown> = Promise.resolve();
      return reshapeProvider(provider, {
        provider: (original) => ({
          create(options) {
            const next = last.then(() => original.create(options));
            last = next.catch(() => undefined);
            return next;
          },
        }),
      });
    },
  },
  {
    name: 'same-sandbox-twice',
    breaks: 'returns the sandbox that it made before',
    kills: ['core/create-unique', 'fan-out/own-state', 'fan-out/order'],
    wrap: (driver) => {
      let first: Promise<DriverHandle> | undefined;
      return {
        ...driver,
        create: (request, call) => (first ??= driver.create(request, call)),
        destroy: async () => undefined,
        release: async () => undefined,
      };
    },
  },
  {
    name: 'one-failure-fails-all',
    breaks: 'gives all creates up when one fails',
    kills: ['fan-out/failure-contained', 'fan-out/half-way'],
    weaken: (provider) => {
      let failed: unknown;
      return reshapeProvider(provider, {
        provider: (original) => ({
          async create(options) {
            const sandbox = await original.create(options).catch((error: unknown) => {
              failed = error;
              throw error;
            });
            await new Promise((resolve) => setTimeout(resolve, 300));
            if (failed === undefined) return sandbox;
            await sandbox.destroy();
            // oxlint-disable-next-line typescript/only-throw-error -- the other create's own error
            throw failed;
          },
        }),
      });
    },
  },
  {
    name: 'gone-is-recreated',
    breaks: 'runs commands of a sandbox that is gone in a fresh one',
    kills: ['faults/gone-in-between'],
    weaken: (provider) =>
      reshapeProvider(provider, {
        sandbox: (sandbox, original) => ({
          async exec(line, options) {
            const { state } = await original.inspect(sandbox.ref);
            if (state !== 'gone') return sandbox.exec(line, options);
            await using fresh = await original.create();
            return await fresh.exec(line, options);
          },
        }),
      }),
  },
  {
    name: 'gone-is-success',
    breaks: 'reads a command whose sandbox went away as done',
    kills: ['faults/gone-meanwhile'],
    wrap: onSpawn(async (start, command) => {
      const process = await start(command);
      return {
        ...process,
        kill: (signal) => process.kill(signal),
        exit: process.exit.then(
          (status) => (status.code === undefined ? { code: 0 } : status),
          () => ({ code: 0 }),
        ),
      };
    }),
  },
];
