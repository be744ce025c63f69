import { styleText } from 'node:util';
import type { ShownEvent } from '@gantry/core/harness';
import { printable } from '../output/printable.ts';

/** One event as a line of a timeline. */
export function eventLine(event: ShownEvent): string {
  const { time, sequence, type, superseded } = event;
  const clock = new Date(time).toISOString().slice(11, 23);
  const line = `${clock}  ${String(sequence).padStart(5)}  ${type.padEnd(17)}  ${printable(details(event))}`;
  const style = superseded ? 'dim' : styleOf(type);
  const shown = superseded ? `${line.trimEnd()}  (superseded)` : line.trimEnd();
  return `${style ? styleText(style, shown, { stream: process.stdout }) : shown}\n`;
}

function details(event: ShownEvent): string {
  const { scope, step, attempt = 1, facts, sandbox, after } = event;
  const words = [
    scope && `[${scope}]`,
    step,
    attempt > 1 && `attempt ${attempt}`,
    sandbox,
    exitOf(facts?.['exit']),
    typeof facts?.['reason'] === 'string' && facts['reason'],
    event.type === 'checkpoint' && after && `tree ${after.slice(0, 12)}`,
  ];
  return words.filter((word) => typeof word === 'string' && word !== '').join('  ');
}

function exitOf(exit: unknown): string | undefined {
  if (typeof exit !== 'object' || exit === null) return undefined;
  if ('code' in exit) return `exit ${String(exit.code)}`;
  return 'signal' in exit ? String(exit.signal) : 'exit unknown';
}

function styleOf(type: string): 'red' | 'green' | 'yellow' | undefined {
  if (/failed|denied/.test(type)) return 'red';
  if (/rollback|suspended|asked/.test(type)) return 'yellow';
  return /finished|checkpoint/.test(type) ? 'green' : undefined;
}
