import type { KeyboardEvent } from 'react';

/** Moves the focus among the links and buttons marked `data-row` of a list, for its `onKeyDown`. */
export function moveByArrows(event: KeyboardEvent<HTMLElement>): void {
  const steps: Readonly<Record<string, number>> = { ArrowDown: 1, ArrowUp: -1, j: 1, k: -1 };
  const step = steps[event.key];
  const jump = event.key === 'Home' ? 'first' : event.key === 'End' ? 'last' : undefined;
  if ((step === undefined && jump === undefined) || event.target instanceof HTMLInputElement)
    return;
  const rows = [...event.currentTarget.querySelectorAll<HTMLElement>('[data-row]')];
  const at = rows.findIndex((row) => row === document.activeElement);
  const next =
    jump === 'first' ? 0 : jump === 'last' ? rows.length - 1 : Math.max(0, at + (step ?? 0));
  const row = rows[next];
  if (row === undefined) return;
  event.preventDefault();
  row.focus();
}
