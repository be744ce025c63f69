import { existsSync, globSync, rmSync } from 'node:fs';
import path from 'node:path';
import { pretty, root, runCommand, workspacePackages, type Finished } from './repository.ts';

/** Removes compiled files whose source is gone, so that a renamed module neither runs nor ships any more. */
function removeStaleOutput(): void {
  for (const { folder } of workspacePackages()) {
    const output = path.join(root, folder, 'dist');
    for (const file of globSync('**/*.{js,d.ts,map}', { cwd: output })) {
      const source = file.replace(/(\.d\.ts|\.js)(\.map)?$/, '.ts');
      if (!existsSync(path.join(root, folder, 'src', source)) || source.endsWith('.test.ts')) {
        rmSync(path.join(output, file));
      }
    }
  }
}

/** Makes the compiler write everything of a package anew where an output is missing, which it does not look at itself. */
function completeOutput(): void {
  for (const { folder } of workspacePackages()) {
    const at = (...names: string[]): string => path.join(root, folder, ...names);
    const sources = globSync('**/*.ts', { cwd: at('src') }).filter(
      (file) => !file.endsWith('.test.ts'),
    );
    const isMissing = (file: string): boolean =>
      !existsSync(at('dist', file.replace(/\.ts$/, '.js')));
    if (sources.some(isMissing)) rmSync(at('dist', '.tsbuildinfo'), { force: true });
  }
}

/** Compiles every package that changed, in the order of their references. */
export function build(): Promise<Finished> {
  removeStaleOutput();
  completeOutput();
  return runCommand('tsc', ['-b', 'tsconfig.sources.json', ...pretty]);
}

if (import.meta.main) {
  const { code, output } = await build();
  process.stdout.write(output);
  process.exitCode = code;
}
