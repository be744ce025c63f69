import { SandboxError } from '@gantry/core';
import type { Command } from '@gantry/core/driver';
import { onCommand, onProcess, onSpawn } from './driver-edits.ts';
import type { Mutant } from './mutant.ts';
import { reshapeProvider } from './reshape-provider.ts';

/** Whether a command is one shell line, as a string given to `exec` becomes. */
const isLine = ({ argv }: Command): boolean =>
  argv[0] === '/bin/sh' && argv[1] === '-c' && argv.length === 3;

export const commandMutants: readonly Mutant[] = [
  {
    name: 'argv-through-a-shell',
    breaks: 'joins arguments into one line for a shell',
    kills: ['core/exec-argv', 'core/exec-argv-program'],
    wrap: onCommand((command) =>
      command.argv[0] === '/bin/sh'
        ? command
        : { ...command, argv: ['/bin/sh', '-c', command.argv.join(' ')] },
    ),
  },
  {
    name: 'argument-cut',
    breaks: 'cuts arguments at 64 KiB',
    kills: ['core/exec-argv-long'],
    wrap: onCommand((command) => {
      const [program, ...rest] = command.argv;
      return { ...command, argv: [program, ...rest.map((argument) => argument.slice(0, 65_536))] };
    }),
  },
  {
    name: 'line-in-braces',
    breaks: 'wraps shell lines in text of its own, so that a comment swallows the end of it',
    kills: ['core/exec-shell'],
    wrap: onCommand((command) =>
      isLine(command)
        ? { ...command, argv: ['/bin/sh', '-c', `{ ${command.argv[2]}; }`] }
        : command,
    ),
  },
  {
    name: 'nul-dropped',
    breaks: 'takes NUL out of commands instead of refusing them',
    kills: ['core/exec-nul'],
    weaken: (provider) =>
      reshapeProvider(provider, {
        sandbox: (sandbox) => ({
          exec(line, options) {
            const clean = (text: string): string => text.replaceAll('\0', '');
            const [program = '', ...rest] = typeof line === 'string' ? [] : line.map(clean);
            return sandbox.exec(
              typeof line === 'string' ? clean(line) : [program, ...rest],
              options,
            );
          },
        }),
      }),
  },
  {
    name: 'cwd-lost',
    breaks: 'runs every command in the root directory',
    kills: ['core/exec-cwd', 'core/exec-cwd-missing', 'core/create-fresh', 'core/workspace-path'],
    wrap: onCommand((command) => ({ ...command, cwd: '/' })),
  },
  {
    name: 'env-one-line',
    breaks: 'turns newlines in variables into spaces',
    kills: ['core/exec-env'],
    wrap: onCommand((command) => ({
      ...command,
      env: Object.fromEntries(
        Object.entries(command.env).map(([name, value]) => [name, value.replaceAll('\n', ' ')]),
      ),
    })),
  },
  {
    name: 'env-first-command-only',
    breaks: 'puts variables in front of the shell line, so that they are lost after the first &&',
    kills: ['core/exec-env-line'],
    wrap: onCommand((command) => {
      if (!isLine(command)) return command;
      const settings = Object.entries(command.env).map(
        ([name, value]) => `${name}='${value.replaceAll("'", `'\\''`)}'`,
      );
      return {
        ...command,
        argv: ['/bin/sh', '-c', `${settings.join(' ')} ${command.argv[2]}`],
        env: {},
      };
    }),
  },
  {
    name: 'host-environment',
    breaks: "hands the host process's environment on",
    kills: ['core/exec-env-clean', 'isolation/environment'],
    wrap: onCommand((command) => {
      const inherited = Object.entries(process.env).flatMap(([name, value]) =>
        value !== undefined && /^GANTRY_(?:HOST|CANARY)/.test(name) ? [[name, value] as const] : [],
      );
      return {
        ...command,
        env: { ...Object.fromEntries(inherited), ...command.env },
      };
    }),
  },
  {
    name: 'agent-forwarded',
    breaks: 'offers the host’s ssh agent to everyone',
    kills: ['core/create-least'],
    wrap: onCommand((command) => ({
      ...command,
      env: { SSH_AUTH_SOCK: '/run/agent', ...command.env },
    })),
  },
  {
    name: 'user-dropped',
    breaks: 'drops the user that it cannot honour',
    kills: ['core/exec-user', 'processes/detached-refused'],
    weaken: (provider) =>
      reshapeProvider(provider, {
        sandbox: (sandbox) => ({
          exec: (line, { user: _dropped, ...options } = {}) => sandbox.exec(line, options),
          spawn: (line, { detached: _ignored, ...options } = {}) => sandbox.spawn(line, options),
        }),
      }),
  },
  {
    name: 'missing-program-throws',
    breaks: 'turns exit code 127 into an error',
    kills: ['core/exec-missing-program', 'core/exit-not-error', 'core/exit-codes'],
    wrap: onProcess(({ exit }) => ({
      exit: exit.then((status) => {
        if (status.code === 127) throw new SandboxError('not-found', 'no such program');
        return status;
      }),
    })),
  },
  {
    name: 'one-at-a-time',
    breaks: 'runs commands one after the other',
    kills: [
      'core/concurrent-exec',
      'isolation/output-flood',
      'isolation/busy-neighbour',
      'isolation/contained',
    ],
    wrap: (driver) => {
      let last: Promise<unknown> = Promise.resolve();
      return onSpawn(async (start, command) => {
        const before = last;
        let leave: () => void = () => undefined;
        last = new Promise<void>((resolve) => {
          leave = resolve;
        });
        await before;
        const process = await start(command);
        void Promise.allSettled([process.exit]).then(leave);
        return process;
      })(driver);
    },
  },
  {
    name: 'dirty-lane',
    breaks: 'leaves the last command’s variables to the next',
    kills: ['core/exec-fresh-shell', 'core/exec-env'],
    wrap: (driver) => {
      let previous: Readonly<Record<string, string>> = {};
      return onCommand((command) => {
        const env = { ...previous, ...command.env };
        previous = env;
        return { ...command, env };
      })(driver);
    },
  },
];
