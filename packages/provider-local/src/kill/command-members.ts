import type { ProcessIdentity } from '@gantry/core/node';
import { fileSizeLimit } from './marks.ts';
import { inTree, readProcess, scanProcesses, type TreeProcess } from './process-tree.ts';

/** What one look at the processes of a command found. */
export interface CommandMembers {
  readonly members: readonly TreeProcess[];
  /** Some process ended during the look: what it had just started may not have been seen. */
  readonly blurred: boolean;
}

/**
 * The processes of one command that live. They carry its mark, which they inherit whatever they do to
 * their environment, session or parent; and whoever a marked one started, or shares a command's
 * session with one, belongs to it too. `marked` is called for each marked one as soon as it is seen.
 */
export function commandMembers(
  main: ProcessIdentity,
  mark: string,
  marked: (process: TreeProcess) => void = () => undefined,
): CommandMembers {
  const start = Number(main.startTime);
  const waiting: TreeProcess[] = [];
  let ended = false;
  const { processes, blurred } = scanProcesses((process) => {
    if (Number(process.startTime) < start) return;
    ended ||= isOver(process);
    if (isOver(process) || !isMarked(process.pid, mark)) return;
    marked(process);
    waiting.push(process);
  });
  const tree = inTree(main.pid, processes).filter((process) => !isOver(process));
  const children = Map.groupBy(tree, ({ parent }) => parent);
  const sessions = Map.groupBy(tree, ({ session }) => session);
  // The lanes are in the session of the first process, and in no command.
  const shared = readProcess(main.pid)?.session;
  const members = new Map<number, TreeProcess>();
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    if (members.has(next.pid)) continue;
    members.set(next.pid, next);
    waiting.push(...(children.get(next.pid) ?? []));
    if (next.session !== shared) waiting.push(...(sessions.get(next.session) ?? []));
    sessions.delete(next.session);
  }
  return { members: [...members.values()], blurred: blurred || ended };
}

function isOver({ state }: TreeProcess): boolean {
  return state === 'Z' || state === 'X';
}

/** Shells count files in blocks of 512 bytes, bash in its own mode of 1024. */
function isMarked(pid: number, mark: string): boolean {
  const bytes = fileSizeLimit(pid);
  return [512n, 1024n].some((block) => bytes === BigInt(mark) * block);
}
