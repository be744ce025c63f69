import { describe, expect, test } from 'vitest';
import { type LaneStatus, LaneStatusReader } from '../../src/node/agent/lane-status.ts';

function read(...parts: readonly string[]): LaneStatus[] {
  const statuses: LaneStatus[] = [];
  const reader = new LaneStatusReader((status) => statuses.push(status));
  for (const part of parts) reader.push(Buffer.from(part, 'latin1'));
  return statuses;
}

describe('what a lane says', () => {
  test('is read whatever pieces it comes in', () => {
    const words = 'ready\np 12\nx 0\np 13\nKilled\nx 137\nd\nx 0\n';
    const expected = [
      { kind: 'ready' },
      { kind: 'started', pid: 12 },
      { kind: 'ended', exit: { code: 0 } },
      { kind: 'started', pid: 13 },
      { kind: 'ended', exit: { signal: 'SIGKILL' } },
      { kind: 'no-directory' },
      { kind: 'ended', exit: { code: 0 } },
    ];
    expect(read(words)).toEqual(expected);
    expect(read(...words.split(''))).toEqual(expected);
  });

  test('is a signal only where the shell has put it in words', () => {
    expect(read('p 1\nx 137\n').at(-1)).toEqual({ kind: 'ended', exit: { code: 137 } });
    expect(read('p 1\nTerminated\nx 143\n').at(-1)).toEqual({
      kind: 'ended',
      exit: { signal: 'SIGTERM' },
    });
    // No signal has the number 127, whatever the words are.
    expect(read('p 1\nodd\nx 255\n').at(-1)).toEqual({ kind: 'ended', exit: { code: 255 } });
  });

  test('is never taken for a status when it is none', () => {
    for (const line of [
      'x 256',
      'x -1',
      'x 00',
      'x 1 2',
      'p 0',
      'p x',
      'p 12345678901',
      ' ready',
      'X 0',
    ]) {
      expect(read(`${line}\n`), line).toEqual([]);
    }
  });

  test('is bounded', () => {
    const broken = (statuses: LaneStatus[]): boolean => statuses.at(-1)?.kind === 'broken';
    expect(broken(read('a'.repeat(5_000)))).toBe(true);
    expect(broken(read(`${'a'.repeat(5_000)}\n`))).toBe(true);
    expect(broken(read('a\n'.repeat(40)))).toBe(true);
    expect(read('a'.repeat(5_000), 'ready\n', 'x 0\n')).toHaveLength(1);
  });
});
