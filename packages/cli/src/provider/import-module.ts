import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { CliError, messageOf } from '../errors/cli-error.ts';

/** Imports a file as a module. A failure is one sentence that names the file and what is wrong with it. */
export async function importModule(
  path: string,
  what: string = 'provider module',
): Promise<unknown> {
  if (!existsSync(path)) {
    throw new CliError(`there is no ${what} ${path}`, { code: 'not-found' });
  }
  try {
    const module: unknown = await import(pathToFileURL(path).href);
    return module;
  } catch (cause) {
    const place = cause instanceof SyntaxError ? (syntaxErrorPlace(path) ?? path) : path;
    const kind = cause instanceof SyntaxError ? 'syntax error' : 'error while loading';
    throw new CliError(`${what} ${place}: ${kind}: ${messageOf(cause)}`, {
      code: 'failed-precondition',
      details: { module: path },
      cause,
    });
  }
}

/** `path:line`, which the error itself does not say. `undefined` when the error is in another file. */
function syntaxErrorPlace(path: string): string | undefined {
  const { stderr } = spawnSync(process.execPath, ['--check', path], { encoding: 'utf8' });
  const [first = ''] = stderr.split('\n');
  return first.startsWith(`${path}:`) || first.startsWith(`${pathToFileURL(path).href}:`)
    ? `${path}${/:\d+$/.exec(first)?.[0] ?? ''}`
    : undefined;
}
