import { requireBuild } from './built.ts';
import { runCommand } from './repository.ts';

await requireBuild(); // typed rules read the declarations of the packages that a file imports
process.exitCode = (await runCommand('oxlint', process.argv.slice(2), { show: true })).code;
