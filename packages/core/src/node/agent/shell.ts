/** How commands and their ends are said to a POSIX shell, and by it. */
export { terminalKillScript } from './terminal-kill-script.ts';
export { shellExitStatus as exitStatus } from './shell-exit-status.ts';
export { shellEnvironment as environment, shellWord as word } from './shell-words.ts';
