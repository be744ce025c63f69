import type { Command } from '../contract/command.ts';
import type { CommandLine, ProcessOptions } from '../contract/sandbox.ts';
import { SandboxError } from '../errors/sandbox-error.ts';
import { unsupported } from '../provider/capabilities.ts';
import type { Session } from '../provider/session.ts';
import { workspacePath } from '../provider/session.ts';

const plainShell = ['/bin/sh', '-c'] as const;

/** A command line and its options, checked and resolved to what a driver starts. */
export function resolveCommand(
  session: Session,
  operation: string,
  line: CommandLine,
  options: ProcessOptions,
): Omit<Command, 'stdin'> {
  const refuse = (what: string): never => {
    throw new SandboxError('invalid-argument', `${operation}: ${what}`, { operation });
  };
  const { shell } = options;
  if (shell && typeof line !== 'string') {
    refuse('a shell takes a line; give the command as text, or leave the shell out');
  }
  const argv: readonly [string, ...string[]] =
    typeof line === 'string' ? [...(shell ?? plainShell), line] : line;
  if (argv.length === 0 || argv[0] === '') refuse('the command is empty');
  if (argv.some((argument) => argument.includes('\0'))) refuse('an argument contains NUL');
  const env = options.env ?? {};
  for (const [name, value] of Object.entries(env)) {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
      refuse(`${JSON.stringify(name)} is not a name for an environment variable`);
    }
    if (value.includes('\0')) refuse(`the value of environment variable ${name} contains NUL`);
  }
  if (options.user !== undefined && session.capabilities.users === undefined) {
    throw unsupported(session.driver.id, `${operation} with a user`, 'users');
  }
  const cwd = options.cwd ?? workspacePath;
  if (cwd === '' || cwd.includes('\0')) refuse('cwd is empty or contains NUL');
  return {
    argv,
    env,
    cwd: insidePath(session, cwd),
    ...(options.user === undefined ? {} : { user: options.user }),
  };
}

/** The absolute path by which commands in the sandbox know a path that a caller gave. */
export function insidePath(session: Session, path: string): string {
  const absolute = path.startsWith('/') ? path : `${workspacePath}/${path}`;
  if (session.workspace === workspacePath) return absolute;
  return absolute === workspacePath || absolute.startsWith(`${workspacePath}/`)
    ? session.workspace + absolute.slice(workspacePath.length)
    : absolute;
}
