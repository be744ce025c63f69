/** What git's letters mean, in the daemon's words. */
const words: Readonly<Record<string, string>> = {
  '.': 'Unmodified',
  '?': 'Untracked',
  M: 'Modified',
  T: 'Modified',
  A: 'Added',
  D: 'Deleted',
  R: 'Renamed',
  C: 'Copied',
  U: 'Updated but unmerged',
};

/** How many words stand before a file's name, by the kind of line. */
const wordsBefore: Readonly<Record<string, number>> = { '1': 8, '2': 9, u: 10, '?': 1 };

/** `git status --porcelain=v2 --branch -z` as the daemon tells it. */
export function gitStatus(text: string): object {
  const head = new Map<string, string>();
  const fileStatus: object[] = [];
  const fields = text.split('\0');
  for (let index = 0; index < fields.length; index += 1) {
    const field = fields[index] ?? '';
    const [, name, value] = /^# branch\.(\S+) (.*)$/s.exec(field) ?? [];
    if (name !== undefined) head.set(name, value ?? '');
    const kind = field.slice(0, 1);
    const count = wordsBefore[kind];
    if (count === undefined) continue;
    const path = field.split(' ').slice(count).join(' ');
    const [staged = '?', worktree = '?'] = kind === '?' ? [] : field.slice(2, 4);
    // A renamed file's old name is a field of its own.
    const extra = kind === '2' ? (fields[(index += 1)] ?? '') : '';
    fileStatus.push({
      name: path,
      extra,
      staging: words[staged] ?? staged,
      worktree: words[worktree] ?? worktree,
    });
  }
  const [, ahead = '0', behind = '0'] = /^\+(\d+) -(\d+)$/.exec(head.get('ab') ?? '') ?? [];
  const current = head.get('head') ?? '';
  const upstream = head.get('upstream');
  return {
    currentBranch: current === '(detached)' ? (head.get('oid') ?? '') : current,
    detached: current === '(detached)',
    branchPublished: upstream !== undefined,
    ...(upstream === undefined ? {} : { upstream }),
    ...{ ahead: Number(ahead), behind: Number(behind), fileStatus },
  };
}
