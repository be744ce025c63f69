import type { Command } from '@gantry/core/driver';

/** The variable that carries a sandbox's own environment, as a shell's export lines. */
export const sandboxExports = 'GANTRY_SANDBOX_EXPORTS';
const commandExports = 'GANTRY_COMMAND_EXPORTS';

/** What the vendor is asked to run, and with which variables. */
export interface ShellLine {
  readonly line: string;
  readonly envs: Record<string, string>;
}

/**
 * A line for the vendor's login shell that becomes exactly that program, with those arguments and variables.
 * A login shell's start-up files change variables, PATH above all: so they arrive in one and are set after.
 */
export function shellLine({ argv, env }: Pick<Command, 'argv' | 'env'>): ShellLine {
  const words = argv.map(quote).join(' ');
  return {
    // A process group of its own, by which it can be killed; setsid(1) would fork where there is one already.
    line: `${setEnvironment}
read -r _ _ _ _ gantry_group _ </proc/$$/stat
if [ "$gantry_group" = $$ ]; then unset gantry_group; exec ${words}; else unset gantry_group; exec setsid ${words}; fi`,
    envs: { [commandExports]: exportLines(env) },
  };
}

/** The same for a terminal's interactive shell, which runs it in place of its first prompt. */
export function terminalEnvironment({
  argv,
  env,
}: Pick<Command, 'argv' | 'env'>): Record<string, string> {
  const words = argv.map(quote).join(' ');
  return {
    // An interactive shell stays when it cannot become the program.
    PROMPT_COMMAND: `unset PROMPT_COMMAND\n${setEnvironment}\nexec ${words}; exit $?`,
    [commandExports]: exportLines(env),
  };
}

const setEnvironment = `eval "\${${sandboxExports}-}"; eval "\${${commandExports}-}"; unset ${sandboxExports} ${commandExports}`;

/** Lines that set variables in a POSIX shell. */
export function exportLines(env: Readonly<Record<string, string>>): string {
  return Object.entries(env)
    .map(([name, value]) => `export ${name}=${quote(value)}`)
    .join('\n');
}

/** One word for a POSIX shell. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
