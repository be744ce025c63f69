import { createInterface } from 'node:readline/promises';
import type { Provider, SandboxRef } from '@gantry/core';
import { CliError, messageOf } from '../errors/cli-error.ts';
import { errorJson } from '../errors/report-error.ts';
import { ANSWER_IS_NO, GANTRY_FAILED } from '../exit-codes.ts';
import { note, print, printJson } from '../output/print.ts';
import { loadProvider } from '../provider/load-provider.ts';
import { findSandbox, listSandboxes } from '../sandbox/find-sandbox.ts';
import type { CommonOptions, Session } from '../session.ts';

/** Options of `gantry destroy`. */
export interface DestroyActionOptions extends CommonOptions {
  readonly all?: boolean;
  readonly yes?: boolean;
}

interface Failure {
  readonly sandbox: string;
  readonly error: unknown;
}

/** `gantry destroy`: ends the sandboxes named, or all. Returns the exit code: 1 if one was not there. */
export async function destroy(
  session: Session,
  ids: readonly string[],
  options: DestroyActionOptions,
): Promise<number> {
  if ((options.all ?? false) === ids.length > 0) {
    throw new CliError('give the ids of sandboxes, or --all', { hint: 'See them: gantry ls' });
  }
  const provider = await loadProvider(options.provider, options.egress);
  const { refs, failures } = await sandboxesToDestroy(session, provider, ids);
  if (options.all && refs.length > 0 && !(await confirmed(session, provider, refs, options))) {
    note('nothing was destroyed');
    return ANSWER_IS_NO;
  }
  const settled = await Promise.allSettled(refs.map((ref) => provider.destroy(ref)));
  const destroyed = refs.filter((_, index) => settled[index]?.status === 'fulfilled');
  settled.forEach((result, index) => {
    const sandbox = refs[index]?.id ?? '';
    if (result.status === 'rejected') failures.push({ sandbox, error: result.reason });
  });
  await report(session, destroyed, failures);
  if (failures.length === 0) return 0;
  return failures.every(({ error }) => error instanceof CliError) ? ANSWER_IS_NO : GANTRY_FAILED;
}

async function sandboxesToDestroy(
  session: Session,
  provider: Provider,
  ids: readonly string[],
): Promise<{ refs: readonly SandboxRef[]; failures: Failure[] }> {
  const { signal } = session.interrupts;
  if (ids.length === 0) {
    const { sandboxes, problem } = await listSandboxes(provider, signal);
    const failures = problem === undefined ? [] : [{ sandbox: 'others', error: problem }];
    return { refs: sandboxes.map(({ ref }) => ref), failures };
  }
  const refs = new Map<string, SandboxRef>();
  const failures: Failure[] = [];
  for (const id of new Set(ids)) {
    try {
      const ref = await findSandbox(provider, id, signal, ANSWER_IS_NO);
      refs.set(ref.id, ref);
    } catch (error) {
      if (!(error instanceof CliError)) throw error;
      failures.push({ sandbox: id, error });
    }
  }
  return { refs: [...refs.values()], failures };
}

async function confirmed(
  session: Session,
  provider: Provider,
  refs: readonly SandboxRef[],
  options: DestroyActionOptions,
): Promise<boolean> {
  if (options.yes) return true;
  if (!process.stdin.isTTY || session.json) {
    throw new CliError(`destroying all ${refs.length} sandboxes of ${provider.id} needs --yes`, {
      code: 'failed-precondition',
    });
  }
  // Plain lines: the terminal itself echoes and edits, and Ctrl-C stays a signal.
  const lines = createInterface({ input: process.stdin, output: process.stderr, terminal: false });
  try {
    const question = `Destroy all ${refs.length} sandboxes of provider ${provider.id}? [y/N] `;
    const { signal } = session.interrupts;
    return /^y(es)?$/i.test((await lines.question(question, { signal })).trim());
  } finally {
    lines.close();
  }
}

async function report(
  session: Session,
  destroyed: readonly SandboxRef[],
  failures: readonly Failure[],
): Promise<void> {
  if (session.json) {
    const failed = failures.map(async ({ sandbox, error }) => ({
      sandbox,
      ...(await errorJson(error)),
    }));
    printJson({ destroyed, failed: await Promise.all(failed) });
    return;
  }
  for (const ref of destroyed) print(`${ref.id}\n`);
  for (const { sandbox, error } of failures) note(`${sandbox}: ${messageOf(error)}`);
}
