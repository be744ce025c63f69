import { build } from './build.ts';

/** Builds the repository; on a failure prints the compiler's output and ends the process with its code. */
export async function requireBuild(): Promise<void> {
  const { code, output } = await build();
  if (code !== 0) {
    process.stderr.write(`${output}The build failed.\n`);
    process.exit(code);
  }
}
