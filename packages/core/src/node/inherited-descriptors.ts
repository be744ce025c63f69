import { openSync, readdirSync, readFileSync } from 'node:fs';
import { isErrno } from './fifo.ts';

/** O_CLOEXEC as /proc/PID/fdinfo writes it; the same on x86-64 and arm64. */
const closeOnExec = 0o2000000;

let found: readonly number[] | undefined;

/**
 * Descriptors from 3 on that this process was started with and would hand on to every child. Node
 * opens its own so that they are not. Looked for once: later ones can only come from native code.
 */
function inheritedDescriptors(): readonly number[] {
  return (found ??= readdirSync('/proc/self/fd')
    .map(Number)
    .filter((descriptor) => descriptor > 2 && !closesOnExec(descriptor)));
}

function closesOnExec(descriptor: number): boolean {
  try {
    const flags = /^flags:\s*([0-7]+)$/m.exec(
      readFileSync(`/proc/self/fdinfo/${descriptor}`, 'latin1'),
    );
    return (parseInt(flags?.[1] ?? '0', 8) & closeOnExec) !== 0;
  } catch (error) {
    // The listing's own descriptor is gone by now.
    if (isErrno(error, 'ENOENT')) return true;
    throw error;
  }
}

let nowhere: number | undefined;

/**
 * A child's descriptors: those given, and /dev/null in place of every other one that this process was
 * started with. A guest would otherwise hold whatever the caller's parent left open.
 */
export function coverInherited(
  descriptors: readonly (number | 'pipe')[],
): (number | 'pipe' | 'ignore')[] {
  const all: (number | 'pipe' | 'ignore')[] = [...descriptors];
  for (const descriptor of inheritedDescriptors()) {
    if (descriptor < descriptors.length) continue;
    while (all.length < descriptor) all.push('ignore');
    all[descriptor] = nowhere ??= openSync('/dev/null', 'r+');
  }
  return all;
}
