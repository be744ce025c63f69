import { SandboxError, type SandboxErrorCode } from '@gantry/core';
import { onCommand, onCreate, onProcess, through } from './driver-edits.ts';
import type { Mutant } from './mutant.ts';
import { reshapeProvider } from './reshape-provider.ts';

/** The same work, with errors of one code told as another. */
async function retold<Result>(
  work: Promise<Result>,
  from: SandboxErrorCode,
  to: SandboxErrorCode,
): Promise<Result> {
  try {
    return await work;
  } catch (error) {
    if (!SandboxError.is(error) || error.code !== from) throw error;
    throw new SandboxError(to, error.message, { outcome: 'not-started', cause: error });
  }
}

let modes = 0;

/** Defects that a durable run over a provider shows. */
export const durableMutants: readonly Mutant[] = [
  {
    name: 'quota-is-a-fault',
    breaks: 'tells a provider that is full as one that is broken',
    kills: ['fan-out/adaptive'],
    weaken: (provider) =>
      reshapeProvider(provider, {
        provider: (original) => ({
          create: (options) => retold(original.create(options), 'resource-exhausted', 'internal'),
        }),
      }),
  },
  {
    name: 'leases-forgotten',
    breaks: 'keeps no labels, so that nobody finds what a client has left',
    kills: ['fan-out/leases'],
    wrap: onCreate((request) => ({ ...request, labels: {} })),
  },
  {
    name: 'one-seed',
    breaks: 'gives every sandbox the same random numbers',
    kills: ['fan-out/identity'],
    wrap: onCommand(({ argv: [program, ...words], ...command }) => ({
      ...command,
      argv: [program, ...words.map((word) => word.replaceAll('/dev/urandom', '/dev/zero'))],
    })),
  },
  {
    name: 'lost-reads-running',
    breaks: 'says of a sandbox that is gone that it runs',
    kills: ['faults/run-recovers'],
    wrap: (driver) => ({
      ...driver,
      async inspect(ref, call) {
        const status = await driver.inspect(ref, call);
        return status.state === 'gone' ? { state: 'running' } : status;
      },
    }),
  },
  {
    name: 'outage-is-a-fault',
    breaks: 'tells a provider that is out of reach as one that is broken',
    kills: ['faults/run-outlasts'],
    weaken: (provider) =>
      reshapeProvider(provider, {
        sandbox: (sandbox) => ({
          exec: (line, options) => retold(sandbox.exec(line, options), 'unavailable', 'internal'),
        }),
      }),
  },
  {
    name: 'cut-is-done',
    breaks: 'reads a command whose output broke off as done',
    kills: ['faults/fan-out-storm'],
    weaken: (provider) =>
      reshapeProvider(provider, {
        sandbox: (sandbox) => ({
          async exec(line, options) {
            try {
              return await sandbox.exec(line, options);
            } catch (error) {
              if (!SandboxError.is(error) || error.code !== 'unavailable') throw error;
              return sandbox.exec('true');
            }
          },
        }),
      }),
  },
  {
    name: 'noise-in-output',
    breaks: 'adds a byte of its own to what programs print',
    kills: ['provenance/commands'],
    wrap: onProcess((process, { argv }) =>
      // What core itself runs would not survive it.
      argv[0] === '/bin/sh' && argv.length === 3
        ? {
            stdout: through(process.stdout, {
              flush: (controller) =>
                controller.enqueue(
                  Uint8Array.of(97 + Math.floor(Math.random() * 26), modes++ % 256),
                ),
            }),
          }
        : {},
    ),
  },
  {
    name: 'modes-by-mood',
    breaks: 'gives a written file now one mode and now another',
    kills: ['provenance/trees'],
    weaken: (provider) =>
      reshapeProvider(provider, {
        files: (files) => ({
          write: (path, contents, options) =>
            files.write(path, contents, { ...options, mode: 0o600 + (modes++ % 8) }),
        }),
      }),
  },
  {
    name: 'destroyed-some-day',
    breaks: 'says that a sandbox is destroyed and does it later',
    kills: ['provenance/ends'],
    wrap: (driver) => ({
      ...driver,
      async destroy(ref, call) {
        const later = { signal: new AbortController().signal };
        if (call.signal.aborted) return driver.destroy(ref, call);
        setTimeout(() => void driver.destroy(ref, later).catch(() => undefined), 3_000);
      },
    }),
  },
];
