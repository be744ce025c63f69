import type { Command } from '@gantry/core/driver';

/** Names the variables that carry a sandbox's own environment, as a shell's export lines. */
const sandboxExports = 'GANTRY_SANDBOX_';
const commandExports = 'GANTRY_EXPORTS_';
const commandWords = 'GANTRY_WORDS_';

/** What the vendor is asked to run, and with which variables. */
export interface ShellLine {
  readonly line: string;
  readonly envs: Record<string, string>;
}

/**
 * A line for the vendor's login shell that becomes exactly that program, with those arguments and variables.
 * All of it arrives in variables of its own: a shell's start-up files change others, `PATH` above all.
 */
export function shellLine({ argv, env }: Pick<Command, 'argv' | 'env'>): ShellLine {
  return {
    // A process group of its own, by which it can be killed; setsid(1) would fork where there is one already.
    line: `${prepare}
read -r _ _ _ _ gantry_group _ </proc/$$/stat
if [ "$gantry_group" = $$ ]; then unset gantry_group; exec -- "$@"; else unset gantry_group; exec setsid -- "$@"; fi`,
    envs: carried({ argv, env }),
  };
}

/** The same for a terminal's interactive shell, which runs it in place of its first prompt. */
export function terminalEnvironment(
  command: Pick<Command, 'argv' | 'env'>,
): Record<string, string> {
  // An interactive shell stays when it cannot become the program.
  const prompt = `unset PROMPT_COMMAND\n${prepare}\nexec -- "$@"; exit $?`;
  return { PROMPT_COMMAND: prompt, ...carried(command) };
}

/** The environment that a sandbox is made with: for every program as it is, and for ours once more. */
export function sandboxEnvironment(env: Readonly<Record<string, string>>): Record<string, string> {
  return { ...env, ...inPieces(sandboxExports, exportLines(env)) };
}

function carried({ argv, env }: Pick<Command, 'argv' | 'env'>): Record<string, string> {
  return {
    ...inPieces(commandExports, exportLines(env)),
    ...inPieces(commandWords, `set -- ${argv.map(quote).join(' ')}`),
  };
}

/**
 * Evaluates what variables carry, and unsets them. The kernel takes 128 KiB of each, so a text comes in numbered
 * pieces of 30,000 characters, of at most four bytes.
 */
const prepare = `gantry_text=
for gantry_name in ${sandboxExports} ${commandExports} ${commandWords}; do
  gantry_count=0
  while gantry_piece=$gantry_name$gantry_count; [ -n "\${!gantry_piece+set}" ]; do
    gantry_text=$gantry_text\${!gantry_piece}
    unset "$gantry_piece"
    gantry_count=$((gantry_count + 1))
  done
  gantry_text=$gantry_text$'\\n'
done
unset gantry_name gantry_count gantry_piece
eval "unset gantry_text
$gantry_text"`;

function inPieces(name: string, text: string): Record<string, string> {
  const pieces = text.match(/[^]{1,30000}/gu) ?? [];
  return Object.fromEntries(pieces.map((piece, index) => [`${name}${index}`, piece]));
}

/** Lines that set variables in a POSIX shell. */
function exportLines(env: Readonly<Record<string, string>>): string {
  return Object.entries(env)
    .map(([name, value]) => `export ${name}=${quote(value)}`)
    .join('\n');
}

/** One word for a POSIX shell. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
