/** Processes of this host: which one is which, and programs that are run to their end. */
export {
  identifyProcess,
  isRunning,
  killProcess,
  ownIdentity,
  waitUntilGone,
} from './process-identity.ts';
export { runProgram } from './run-program.ts';
export { siblingScript } from './sibling-script.ts';
