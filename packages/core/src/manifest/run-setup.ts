import { randomBytes } from 'node:crypto';
import type { Call } from '../contract/call.ts';
import type { MaterializeReceipt } from '../contract/manifest-types.ts';
import { SandboxError } from '../errors/sandbox-error.ts';
import type { WorkspaceTarget } from './workspace-target.ts';

type SetupCommand = string | readonly [string, ...string[]];

/** Bytes of a failed command's output that its error shows. */
const tailBytes = 4000;

const operation = 'manifest.setup';

/**
 * Runs the commands in order, in one call, in the workspace and with the sandbox's environment, and stops at the
 * first that fails: `failed-precondition` with `details` of command, exit code and the tail of its output.
 * Returns how long each took.
 */
export async function runSetup(
  target: WorkspaceTarget,
  commands: readonly SetupCommand[],
  call: Call,
): Promise<MaterializeReceipt['setup']> {
  if (commands.length === 0) return [];
  const mark = `gantry-${randomBytes(16).toString('hex')}`;
  const script = Buffer.from(setupScript(commands, mark));
  const { exit, stdout, stderr } = await target.run(['/bin/sh', '-s'], call, script);
  const marks = Buffer.from(stdout)
    .toString('utf8')
    .split('\n')
    .flatMap((line) => /^(start|end) (\d+) ([\d.]+) (\d+)$/.exec(line) ?? []);
  const events = chunk(marks, 5).map(([, kind, index, seconds, code]) => ({
    kind,
    index: Number(index),
    seconds: Number(seconds),
    code: Number(code),
  }));
  const ends = events.filter(({ kind }) => kind === 'end');
  const failed = ends.find(({ code }) => code !== 0);
  if (failed === undefined && exit.code === 0 && ends.length === commands.length) {
    return ends.map(({ index, seconds }) => {
      const start = events.find((event) => event.kind === 'start' && event.index === index);
      const durationMs = Math.round((seconds - (start?.seconds ?? seconds)) * 1000);
      return { command: commandText(commands[index]), durationMs };
    });
  }
  const index = failed?.index ?? ends.length;
  const tail =
    Buffer.from(stderr).toString('utf8').split(mark).at(-1)?.slice(-tailBytes).trim() ?? '';
  const how = failed === undefined ? JSON.stringify(exit) : `exit ${failed.code}`;
  const command = commandText(commands[index]);
  throw new SandboxError(
    exit.unknown === undefined ? 'failed-precondition' : 'unavailable',
    `the setup command ${JSON.stringify(command)} failed (${how})${tail === '' ? '' : `:\n${tail}`}`,
    {
      operation,
      provider: target.provider,
      outcome: 'unknown',
      details: { command, index, exitCode: failed?.code ?? null, exit, outputTail: tail },
    },
  );
}

/**
 * The commands' own output all goes to standard error, each after a mark that no command can guess before;
 * standard output has only the reports. No command reads the script, which comes on standard input.
 */
function setupScript(commands: readonly SetupCommand[], mark: string): string {
  const lines = commands.flatMap((command, index) => [
    `printf %s ${mark} >&2`,
    `report start ${index} 0`,
    `${words(command)} </dev/null 3>&- && code=0 || code=$?`,
    `report end ${index} $code`,
    '[ $code -eq 0 ] || exit 0',
  ]);
  return [
    'exec 3>&1 1>&2',
    // /proc/uptime has hundredths of a second and costs no process.
    'report() {',
    '  if [ -r /proc/uptime ]; then read -r now rest </proc/uptime; else now=$(date +%s); fi',
    '  echo "$1 $2 $now $3" >&3',
    '}',
    ...lines,
    'exit 0',
    '',
  ].join('\n');
}

function words(command: SetupCommand): string {
  const argv = typeof command === 'string' ? ['/bin/sh', '-c', command] : command;
  return argv.map((word) => `'${word.replaceAll("'", String.raw`'\''`)}'`).join(' ');
}

function commandText(command: SetupCommand | undefined): string {
  return typeof command === 'string' ? command : JSON.stringify(command ?? []);
}

function chunk<Item>(items: readonly Item[], size: number): Item[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}
