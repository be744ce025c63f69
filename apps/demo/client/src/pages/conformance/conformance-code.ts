import type { ActionCode } from '../../parts/copy-as-code.tsx';

/** Code that runs the suite against this provider elsewhere. */
export function conformanceCode(
  { id, emulated }: { readonly id: string; readonly emulated: boolean },
  profiles: readonly string[],
): ActionCode {
  const chosen = profiles.length === 0 ? '' : `\n  profiles: ${JSON.stringify(profiles)},`;
  const words = profiles.map((profile) => ` --profile ${profile}`).join('');
  return {
    what: 'run the suite',
    typescript: `import { fileURLToPath } from 'node:url';
import { runConformance, toHtml } from '@gantry/conformance';

const report = await runConformance({
  subject: { load: fileURLToPath(import.meta.resolve('@gantry/provider-${id}')) },${chosen}
  onProgress: ({ kind, check, result }) => kind === 'end' && console.log(result?.status, check),
});
console.log(report.conformant);
`,
    cli: `npx gantry conformance ${id}${emulated ? ' --emulated' : ''}${words} --html report.html\n`,
  };
}
