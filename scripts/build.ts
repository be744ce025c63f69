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

/** Compiles every package that changed, in the order of their references. */
export function build(): Promise<Finished> {
  removeStaleOutput();
  return runCommand('tsc', ['-b', 'tsconfig.sources.json', ...pretty]);
}

if (import.meta.main) {
  const { code, output } = await build();
  process.stdout.write(output);
  process.exitCode = code;
}
