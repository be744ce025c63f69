import path from 'node:path';
import type { Policy, RunFunction, RunOptions } from '@gantry/core/harness';
import { CliError } from '../errors/cli-error.ts';
import { importModule } from '../provider/import-module.ts';
import { property } from '../provider/property.ts';

/** The code of a run, as a module of the user gives it. */
export interface RunModule {
  readonly name: string;
  readonly work: RunFunction<unknown>;
  readonly options: Omit<RunOptions, 'id' | 'input' | 'signal'>;
  readonly policy?: Policy;
}

/**
 * Loads a module whose default export is the run's function. It may also export `name` (default: the file's), `options` and
 * `policy`.
 */
export async function loadRunModule(file: string): Promise<RunModule> {
  const place = path.resolve(file);
  const module = await importModule(place, 'module');
  const work = property(module, 'default');
  if (typeof work !== 'function') {
    throw new CliError(`${file} has no default export that is a function`, {
      code: 'failed-precondition',
      hint: 'Write: export default async (run) => { … }',
      details: { module: place },
    });
  }
  const name = property(module, 'name');
  const { name: fileName } = path.parse(file);
  const policy = property(module, 'policy');
  return {
    name: typeof name === 'string' ? name : fileName,
    work: async (run) => Reflect.apply(work, undefined, [run]) as unknown,
    options: property(module, 'options') ?? {},
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the user's own code; the harness checks it
    ...(policy === undefined ? {} : { policy: policy as Policy }),
  };
}
