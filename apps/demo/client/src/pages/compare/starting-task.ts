import type { ModelView } from '../../../../src/protocol/compare.ts';

const wishes: readonly (readonly [words: string, lines: string])[] = [
  ['List what is here, by name, in LIST.txt.', '$ ls -la > LIST.txt\n$ cat LIST.txt'],
  [
    'List what is here, the largest first, in LIST.txt.',
    '$ du -ak . | sort -rn > LIST.txt\n$ head LIST.txt',
  ],
];

/** A task to start from. A script is told each command, since it cannot think of any. */
export function startingTask(branch: number, { vendor }: ModelView): string {
  const [words = '', lines = ''] = wishes[branch % wishes.length] ?? [];
  return vendor === undefined ? `${words}\n${lines}` : words;
}
