import { descendants, readProc, type TreeProcess } from './process-tree.ts';

/**
 * The processes of one command that live. They carry its mark, which they inherit whatever they do to
 * their environment, session or parent; and whoever a marked one started, or shares a command's
 * session with one, belongs to it too.
 */
export function commandMembers(main: number, mark: string): TreeProcess[] {
  const tree = descendants(main).filter(({ state }) => state !== 'Z' && state !== 'X');
  const children = Map.groupBy(tree, ({ parent }) => parent);
  const sessions = Map.groupBy(tree, ({ session }) => session);
  // The lanes are in the session of the first process, and in no command.
  const shared = readSession(main);
  const members = new Map<number, TreeProcess>();
  const waiting = tree.filter(({ pid }) => isMarked(pid, mark));
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    if (members.has(next.pid)) continue;
    members.set(next.pid, next);
    waiting.push(...(children.get(next.pid) ?? []));
    if (next.session !== shared) waiting.push(...(sessions.get(next.session) ?? []));
    sessions.delete(next.session);
  }
  return [...members.values()];
}

function readSession(main: number): number {
  const stat = readProc(main, 'stat') ?? '';
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[3]);
}

/** Shells count files in blocks of 512 bytes, bash in its own mode of 1024. */
function isMarked(pid: number, mark: string): boolean {
  const limit = /^Max file size +\S+ +(\d+) /m.exec(readProc(pid, 'limits') ?? '')?.[1];
  if (limit === undefined) return false;
  const bytes = BigInt(limit);
  return [512n, 1024n].some((block) => bytes === BigInt(mark) * block);
}
