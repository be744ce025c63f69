import { SandboxError } from '@gantry/core';
import { onProcess } from './driver-edits.ts';
import type { Mutant } from './mutant.ts';
import { reshapeProvider } from './reshape-provider.ts';

const emptyOutput = { bytes: new Uint8Array(), text: '', totalBytes: 0, truncated: false } as const;

export const endingMutants: readonly Mutant[] = [
  {
    name: 'exit-flattened',
    breaks: 'knows only 0 and 1',
    kills: ['faults/slow-link', 'core/exit-codes', 'core/kill-ended'],
    wrap: onProcess(({ exit }) => ({
      exit: exit.then((status) => ({ code: status.code === 0 ? 0 : 1 })),
    })),
  },
  {
    name: 'unknown-is-success',
    breaks: 'exitCode || 0: a death by signal reads as success',
    kills: ['core/exit-signal', 'core/trait-exit', 'core/kill-reach'],
    wrap: onProcess(({ exit }) => ({ exit: exit.then((status) => ({ code: status.code ?? 0 })) })),
  },
  {
    name: 'trait-exit-false',
    breaks: 'says the opposite of what its exit statuses can tell',
    kills: ['core/trait-exit'],
    wrap: (driver) => ({
      ...driver,
      traits: {
        ...driver.traits,
        exit: driver.traits.exit === 'exact' ? 'shell-encoded' : 'exact',
      },
    }),
  },
  {
    name: 'transport-is-127',
    breaks: 'returns a lost link as exit code 127',
    kills: ['core/exit-not-error', 'core/error-retry'],
    weaken: (provider) =>
      reshapeProvider(provider, {
        sandbox: (sandbox) => ({
          exec: (line, options) =>
            sandbox.exec(line, options).catch((error: unknown) => {
              if (SandboxError.is(error) && error.code === 'invalid-argument') throw error;
              return {
                exit: { code: 127 },
                ok: false,
                stdout: emptyOutput,
                stderr: emptyOutput,
                lingering: false,
                durationMs: 0,
              };
            }),
        }),
      }),
  },
  {
    name: 'every-signal-kills',
    breaks: 'sends SIGKILL, whatever was asked for',
    kills: ['core/kill-signal'],
    wrap: onProcess((process) => ({ kill: () => process.kill('SIGKILL') })),
  },
  {
    name: 'abort-only-rejects',
    breaks: 'does not kill at all',
    kills: [
      'core/call-abort',
      'core/timeout-kills',
      'core/abort-kills',
      'core/kill-reach',
      'core/kill-signal',
    ],
    wrap: onProcess(() => ({ kill: async () => undefined })),
  },
  {
    name: 'kill-leaves-children',
    breaks: 'kills the one process and leaves its group alive',
    kills: ['core/kill-reach', 'core/timeout-kills', 'core/trait-kill'],
    wrap: (driver) => ({
      ...driver,
      async spawn(handle, command, call) {
        const process = await driver.spawn(handle, command, call);
        return {
          ...process,
          async kill(signal = 'SIGKILL') {
            const line = `kill -${signal.slice(3)} ${process.pid ?? 0} 2>/dev/null`;
            const argv = ['/bin/sh', '-c', line] as const;
            const killer = await driver.spawn(
              handle,
              { argv, cwd: '/', env: {}, stdin: 'none' },
              { signal: new AbortController().signal },
            );
            await killer.exit;
          },
        };
      },
    }),
  },
  {
    name: 'trait-kill-modest',
    breaks: 'claims to kill less, or more, than it does',
    kills: ['core/trait-kill'],
    wrap: (driver) => ({
      ...driver,
      traits: { ...driver.traits, kill: driver.traits.kill === 'process' ? 'group' : 'process' },
    }),
  },
  {
    name: 'kill-ended-fails',
    breaks: 'rejects when there is nothing left to kill',
    kills: ['core/kill-ended'],
    wrap: onProcess((process) => {
      let ended = false;
      process.exit.then(() => (ended = true)).catch(() => undefined);
      return {
        async kill(signal) {
          if (ended) throw Object.assign(new Error('kill ESRCH'), { code: 'ESRCH' });
          await process.kill(signal);
        },
      };
    }),
  },
  {
    name: 'timeout-in-another-unit',
    breaks: 'waits eight times as long as it was told to',
    kills: ['core/timeout-unit'],
    weaken: (provider) =>
      reshapeProvider(provider, {
        sandbox: (sandbox) => ({
          exec: (line, options = {}) =>
            sandbox.exec(line, {
              ...options,
              ...(options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs * 8 }),
            }),
        }),
      }),
  },
  {
    name: 'timeout-in-seconds',
    breaks: 'takes milliseconds for seconds, and gives up at once',
    kills: ['core/timeout-unit'],
    weaken: (provider) =>
      reshapeProvider(provider, {
        sandbox: (sandbox) => ({
          exec: (line, options = {}) =>
            sandbox.exec(line, {
              ...options,
              ...(options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs / 1_000 }),
            }),
        }),
      }),
  },
  {
    name: 'orphan-forgotten',
    breaks: 'does not say what it could not kill',
    kills: ['core/timeout-orphan'],
    weaken: (provider) =>
      reshapeProvider(provider, {
        sandbox: (sandbox) => ({
          exec: (line, options) =>
            sandbox.exec(line, options).catch((error: unknown) => {
              if (!SandboxError.is(error) || error.code !== 'deadline-exceeded') throw error;
              throw new SandboxError(error.code, error.message, { outcome: 'unknown' });
            }),
        }),
      }),
  },
];
