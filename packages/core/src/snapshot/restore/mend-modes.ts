import type { Call } from '../../contract/call.ts';
import { runScript } from '../../files/run-script.ts';
import { type Session, workspacePath } from '../../provider/session.ts';
import { nameList } from '../capture/survey.ts';
import { bySection, cutSections, sectionArguments } from '../sections.ts';
import type { Look } from './look-and-mark.ts';
import type { Planned } from './restore-plan.ts';

/**
 * Gives directories the modes that a tar program did not give them: busybox tar of a user who is not root leaves what is there
 * as it is. Returns whether there was one.
 */
export async function mendModes(
  session: Session,
  directories: readonly Planned<'directory'>[],
  found: Look['entries'],
  mask: number,
  { signal }: Call,
): Promise<boolean> {
  const wrong = directories.filter(({ path, entry }) => {
    const there = found.get(path);
    return there?.type === 'directory' && there.details().mode !== (entry.mode & mask);
  });
  if (wrong.length === 0) return false;
  const sections = cutSections(directories.map(({ path }) => path));
  // The innermost first: one that is closed lets nobody through to what is in it.
  const groups = bySection(wrong.toReversed(), ({ path }) => path, sections).toReversed();
  for (const [section, group] of groups) {
    const input = Buffer.concat(
      group.flatMap(({ path, entry }) => [
        Buffer.from(`${(entry.mode & mask).toString(8)}\0`),
        nameList([path], section),
      ]),
    );
    const where = { path: workspacePath, args: sectionArguments(section) };
    await runScript(
      session,
      { operation: 'rehydrate', script: 'setModes', ...where, input },
      { signal },
    );
  }
  return true;
}
