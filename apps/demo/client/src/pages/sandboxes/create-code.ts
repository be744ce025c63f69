import { gantry, providerImport } from '../../parts/action-code.ts';

/** The program and the command that make the same sandbox. */
export function createCode({
  provider,
  emulated,
  json,
  yaml,
}: {
  provider: string;
  emulated: boolean;
  /** The manifest as JSON text. Absent while it has problems. */
  json: string | undefined;
  yaml: string;
}): { typescript: string; cli: string } {
  const manifest =
    json === undefined
      ? '/* the manifest above, once it is valid */ {}'
      : JSON.stringify(JSON.parse(json), undefined, 2);
  return {
    typescript: `${providerImport(provider, emulated)}
const sandbox = await ${provider}().create({
  manifest: ${manifest.replaceAll('\n', '\n  ')},
});
console.log(sandbox.ref);
await sandbox.release(); // it lives on; \`await using\` would destroy it at the end of the block
`,
    cli: `cat > manifest.yaml <<'END'
${yaml.trimEnd()}
END
${gantry(provider, 'run manifest.yaml --keep')}
`,
  };
}
