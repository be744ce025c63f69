/** A command that prints a variable of its environment and a newline, and fails where it is not set: printenv(1) is not everywhere. */
export function variableOf(name: string): readonly [string, ...string[]] {
  return ['/bin/sh', '-c', `printf '%s\\n' "\${${name}?}"`];
}
