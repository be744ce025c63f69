import type { Command } from '@gantry/core/driver';

/** Names the variables that carry a sandbox's own environment, as a shell's export lines. */
const sandboxExports = 'GANTRY_SANDBOX_';
const commandExports = 'GANTRY_EXPORTS_';
const commandWords = 'GANTRY_WORDS_';
const commandInput = 'GANTRY_INPUT_';

/** What the vendor is asked to run, and with which variables. */
export interface ShellLine {
  readonly line: string;
  readonly envs: Record<string, string>;
}

/**
 * A line for the vendor's login shell that becomes exactly that program, with those arguments and variables.
 * All of it arrives in variables of its own: a shell's start-up files change others, `PATH` above all. What the
 * line keeps in variables is not exported, so the program does not see it.
 */
export function shellLine({
  argv,
  env,
  stdin,
}: Pick<Command, 'argv' | 'env' | 'stdin'>): ShellLine {
  const input = stdin instanceof Uint8Array ? Buffer.from(stdin).toString('base64') : '';
  return {
    // A process group of its own, by which it can be killed; setsid(1) would fork where there is one already.
    line: `gantry_setsid=$(type -P setsid)
${readInput}
${prepare}
read -r _ _ _ _ gantry_group _ </proc/$$/stat
if [ "$gantry_group" = $$ ]; then exec -- "$@"; else exec -- "$gantry_setsid" -- "$@"; fi`,
    envs: { ...carried({ argv, env }), ...inPieces(commandInput, input) },
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
  const pieces = inPieces(sandboxExports, exportLines(env));
  // A sandbox of a snapshot has the variables of its source beneath: the empty piece ends these.
  return { ...env, ...pieces, [`${sandboxExports}${Object.keys(pieces).length}`]: '' };
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
  ${appendPieces('gantry_text')}
  gantry_text=$gantry_text$'\\n'
done
eval "$gantry_text"`;

/** Input that came along is fed by a process of its own: it may be longer than a pipe holds. */
const readInput = `gantry_name=${commandInput} gantry_input=
${appendPieces('gantry_input')}
[ -z "$gantry_input" ] || exec < <({ printf %s "$gantry_input" | base64 -d; } 2>/dev/null)`;

function appendPieces(variable: string): string {
  return `gantry_count=0
  while gantry_piece=$gantry_name$gantry_count; [ -n "\${!gantry_piece-}" ]; do
    ${variable}=$${variable}\${!gantry_piece}
    unset "$gantry_piece"
    gantry_count=$((gantry_count + 1))
  done
  unset "$gantry_piece"`;
}

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
