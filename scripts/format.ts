import { runCommand } from './repository.ts';

process.exitCode = (await runCommand('oxfmt', process.argv.slice(2), { show: true })).code;
