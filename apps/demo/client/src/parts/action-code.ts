import type { SandboxRef } from '@gantry/core';

/** What code needs to name a sandbox. */
interface Named {
  readonly provider: string;
  readonly emulated: boolean;
  readonly ref: SandboxRef;
}

/** The import of a provider's factory, and where that is an emulator, how to lead it there. */
export function providerImport(provider: string, emulated: boolean): string {
  const hint = emulated
    ? `// Here an emulator stands in for the vendor: \`npx gantry emulate ${provider}\` prints the variables that lead to one.\n`
    : '';
  return `${hint}import { ${provider} } from '@gantry/provider-${provider}';\n`;
}

/** A program that does something with a sandbox which is there already. */
export function connectedCode({ provider, emulated, ref }: Named, lines: string): string {
  return `import { parseRef } from '@gantry/core';
${providerImport(provider, emulated)}
const ref = parseRef(${quote(JSON.stringify(ref))});
const sandbox = await ${provider}().connect(ref);
${lines}
await sandbox.release(); // the sandbox lives on
`;
}

/** A command of `gantry` with its provider. `local` needs no word. */
export function gantry(provider: string, words: string): string {
  const [command = '', ...rest] = words.split(' ');
  const option = provider === 'local' ? [] : [`--provider ${provider}`];
  return ['npx gantry', command, ...option, ...rest].join(' ');
}

/** A TypeScript string literal. */
export function quote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'").replaceAll('\n', '\\n')}'`;
}

/** One word for a POSIX shell. */
export function shellWord(text: string): string {
  return /^[\w./:@%+,=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
