import type { Call } from '../contract/call.ts';
import type { SandboxErrorCode } from '../errors/sandbox-error.ts';
import { SandboxError } from '../errors/sandbox-error.ts';
import type { CollectedOutput } from './collect-types.ts';
import { ancestorPaths } from './workspace-path.ts';
import type { WorkspaceTarget } from './workspace-target.ts';

const operation = 'collect';

/**
 * Prints one letter for each path on standard input: d directory that can be entered, x one that cannot,
 * l symbolic link, f file, o other, m missing.
 */
const batchScript = `
for f do
  if [ -L "$f" ]; then printf l
  elif [ -d "$f" ]; then if [ -x "$f" ]; then printf d; else printf x; fi
  elif [ -f "$f" ]; then printf f
  elif [ -e "$f" ]; then printf o
  else printf m
  fi
done
`;

/**
 * Which outputs are there, in one call. A missing one is a confirmed absence: each of its parents was
 * looked into. Refused are a parent that cannot be entered (`permission-denied`), and an output that is, or
 * is reached through, a symbolic link or has another kind than declared (`failed-precondition`).
 */
export async function locateOutputs(
  target: WorkspaceTarget,
  outputs: readonly CollectedOutput[],
  call: Call,
): Promise<{
  readonly present: readonly CollectedOutput[];
  readonly missing: readonly CollectedOutput[];
}> {
  const paths = [...new Set(outputs.flatMap(({ path }) => [...ancestorPaths(path), path]))];
  const input = Buffer.from(paths.map((path) => `./${path}\0`).join(''));
  const argv = [
    '/bin/sh',
    '-c',
    'exec xargs -0 -n 200 sh -c "$1" gantry',
    'gantry',
    batchScript,
  ] as const;
  const { exit, stdout, stderr } = await target.run(argv, call, input);
  const letters = Buffer.from(stdout).toString('latin1');
  if (exit.code !== 0 || letters.length !== paths.length || /[^dxlfom]/.test(letters)) {
    const said = Buffer.from(stderr).toString('utf8').trim().slice(-2000);
    throw new SandboxError(
      exit.code === 127 ? 'failed-precondition' : 'unavailable',
      `the outputs cannot be looked for (${JSON.stringify(exit)}): ${said}`,
      { operation, provider: target.provider, details: { exit } },
    );
  }
  const kinds = new Map(paths.map((path, index) => [path, letters[index] ?? '']));
  const isPresent = (output: CollectedOutput): boolean => check(output, kinds, target.provider);
  const present = outputs.filter(isPresent);
  return { present, missing: outputs.filter((output) => !present.includes(output)) };
}

function check(
  output: CollectedOutput,
  kinds: ReadonlyMap<string, string>,
  provider: string,
): boolean {
  const refuse = (code: SandboxErrorCode, reason: string): never => {
    throw new SandboxError(code, `the output ${output.path} ${reason}`, {
      operation,
      provider,
      details: { path: output.path },
    });
  };
  for (const parent of ancestorPaths(output.path)) {
    const kind = kinds.get(parent);
    if (kind === 'l')
      refuse('failed-precondition', `is reached through the symbolic link ${parent}`);
    if (kind === 'x') refuse('permission-denied', `is in ${parent}, which may not be entered`);
    if (kind !== 'd') return false;
  }
  const kind = kinds.get(output.path);
  if (kind === 'm') return false;
  if (kind === 'l') refuse('failed-precondition', 'is a symbolic link, which is not followed');
  if (kind === 'o') refuse('failed-precondition', 'is no file and no directory');
  const actual = kind === 'f' ? 'file' : 'dir';
  if (output.kind !== undefined && output.kind !== actual) {
    refuse('failed-precondition', `is declared as ${output.kind} and is a ${actual}`);
  }
  return true;
}
