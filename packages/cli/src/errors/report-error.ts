import { styleText } from 'node:util';
import { GANTRY_FAILED } from '../exit-codes.ts';
import { printable } from '../output/printable.ts';
import { printJson } from '../output/print.ts';
import type { Session } from '../session.ts';
import { CliError, messageOf } from './cli-error.ts';
import { hintFor } from './hint.ts';

/** An error as gantry shows it. */
interface Shown {
  readonly exitCode: number;
  readonly message: string;
  readonly hint?: string;
  readonly json: Readonly<Record<string, unknown>>;
}

/** Prints an error, as JSON on stdout or for people on stderr, and returns the exit code for it. */
export async function reportError(session: Session, error: unknown): Promise<number> {
  const shown = await show(error, session.interrupts.exitCode);
  if (session.json) printJson({ error: shown.json, ...session.besideError });
  else process.stderr.write(text(shown));
  if (process.env['GANTRY_DEBUG'] === '1') console.error(error);
  return shown.exitCode;
}

/** An error as plain JSON, without its stack. */
export async function errorJson(error: unknown): Promise<Readonly<Record<string, unknown>>> {
  return (await show(error, undefined)).json;
}

async function show(error: unknown, stoppedWith: number | undefined): Promise<Shown> {
  if (error instanceof CliError) {
    const { exitCode, message, code, hint, details } = error;
    const extra = Object.keys(details).length === 0 ? {} : { details };
    return shownAs(exitCode, message, hint, { name: 'CliError', code, message, ...extra });
  }
  // Not before it is needed: a usage error must not wait for the library.
  const { SandboxError } = await import('@gantry/core');
  if (SandboxError.is(error)) {
    if (error.code === 'cancelled' && stoppedWith !== undefined) {
      return shownAs(stoppedWith, 'interrupted', undefined, error.toJSON());
    }
    return shownAs(GANTRY_FAILED, error.message, hintFor(error), error.toJSON());
  }
  if (stoppedWith !== undefined) {
    return shownAs(stoppedWith, 'interrupted', undefined, {
      code: 'cancelled',
      message: 'interrupted',
    });
  }
  const message = `internal error: ${messageOf(error)}`;
  const hint = 'Set GANTRY_DEBUG=1 to see where, and please report it.';
  return shownAs(GANTRY_FAILED, message, hint, { code: 'internal', message });
}

function shownAs(
  exitCode: number,
  message: string,
  hint: string | undefined,
  json: Readonly<Record<string, unknown>>,
): Shown {
  if (hint === undefined) return { exitCode, message, json };
  return { exitCode, message, hint, json: { ...json, hint } };
}

function text({ message, hint }: Shown): string {
  const paint = (style: 'red' | 'dim', words: string): string =>
    styleText(style, words, { stream: process.stderr });
  const first = `${paint('red', 'gantry:')} ${printable(message)}\n`;
  return hint === undefined ? first : `${first}${paint('dim', printable(hint))}\n`;
}
