import type { CollectReceipt, ExitStatus, MaterializeReceipt, ReceiptEntry } from '@gantry/core';
import { formatDuration } from '../duration.ts';
import { printable } from './printable.ts';

/** What `gantry run` did, as far as it came. */
export interface RunRecord {
  readonly provider: string;
  readonly id: string;
  readonly kept: boolean;
  readonly receipt?: MaterializeReceipt;
  readonly command?: { readonly exit: ExitStatus; readonly durationMs: number };
  readonly collected?: CollectReceipt;
}

/** A run in a few lines for people. Ends with a newline. */
export function runSummary(record: RunRecord): string {
  const { receipt, command, collected } = record;
  const lines: [string, string][] = [
    ['sandbox', `${record.provider} ${record.id}, ${record.kept ? 'kept' : 'destroyed'}`],
  ];
  if (receipt) lines.push(...receiptLines(receipt));
  if (command)
    lines.push(['command', `${ending(command.exit)} in ${formatDuration(command.durationMs)}`]);
  if (collected) {
    lines.push(['outputs', `${contents(collected.entries)} in ${collected.destination}`]);
    if (collected.missing.length > 0) lines.push(['not there', collected.missing.join(', ')]);
  }
  return lines.map(([name, text]) => `  ${name.padEnd(10)}${printable(text)}\n`).join('');
}

function receiptLines(receipt: MaterializeReceipt): [string, string][] {
  const lines: [string, string][] = [
    ['plan', `sha256:${receipt.planDigest}`],
    ['contents', contents(receipt.entries)],
  ];
  for (const [path, commit] of Object.entries(receipt.commits))
    lines.push(['git', `${path} at ${commit}`]);
  for (const { command, durationMs } of receipt.setup) {
    lines.push(['setup', `${command} (${formatDuration(durationMs)})`]);
  }
  return lines;
}

function contents(entries: readonly ReceiptEntry[]): string {
  const count = (type: ReceiptEntry['type'], one: string, many: string): string[] => {
    const { length } = entries.filter((entry) => entry.type === type);
    return length === 0 ? [] : [`${length} ${length === 1 ? one : many}`];
  };
  const bytes = entries.reduce((sum, { type, size }) => sum + (type === 'file' ? size : 0), 0);
  const parts = [
    ...count('file', 'file', 'files'),
    ...count('directory', 'directory', 'directories'),
    ...count('symlink', 'symbolic link', 'symbolic links'),
  ];
  return parts.length === 0 ? 'nothing' : `${parts.join(', ')}, ${bytes} bytes`;
}

function ending(exit: ExitStatus): string {
  if (exit.code !== undefined) return `exit code ${exit.code}`;
  return exit.signal === undefined
    ? `ended, how is not known (${exit.unknown})`
    : `killed by ${exit.signal}`;
}
