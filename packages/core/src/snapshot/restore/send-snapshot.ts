import type { Call } from '../../contract/call.ts';
import { SandboxError } from '../../errors/sandbox-error.ts';
import { runScript } from '../../files/run-script.ts';
import type { BytePath } from '../../manifest/byte-path.ts';
import { pathText } from '../../manifest/byte-path.ts';
import { sendArchive } from '../../manifest/send-archive.ts';
import { type Session, workspacePath } from '../../provider/session.ts';
import { workspaceTarget } from '../../sandbox/session-target.ts';
import type { ObjectReader } from '../repository/object-reader.ts';
import { cutSections, type Section, sectionArguments, sectionOf } from '../sections.ts';
import type { RestorePlan } from './restore-plan.ts';
import { snapshotTar, type TarForm } from './snapshot-tar.ts';

/** How a snapshot is sent. */
export type SendOptions = Pick<TarForm, 'holes' | 'keepSpecialModes' | 'onFile'>;

/** Unpacks a snapshot in a workspace: in one tar, or, where paths are longer than tools take, section by section. */
export async function sendSnapshot(
  session: Session,
  plan: RestorePlan,
  reader: ObjectReader,
  options: SendOptions,
  call: Call,
): Promise<void> {
  const sections = cutSections(plan.directories.map(({ path }) => path));
  const send = (section: Section, part: RestorePlan, parts: TarForm['parts']): Promise<void> =>
    sendArchive(
      snapshotTar(part, reader, { ...options, section, parts }),
      target(session, section),
      call,
    );
  const [first] = sections;
  const late = plan.symlinks.some(({ entry }) => comesLate(entry.target));
  if (first && sections.length === 1 && !late) {
    return send(first, plan, ['entries', 'directories']);
  }
  const split = sections.map((section) => [section, partOf(plan, section, sections)] as const);
  for (const [section, part] of split) await send(section, part, ['entries']);
  // A directory that is closed at last must be so after all that is in it.
  for (const [section, part] of split.toReversed()) await send(section, part, ['directories']);
}

/** Whether the sandbox's `tar` reads GNU's form of files with holes; another one may lose them in silence. */
export async function readsHoles(session: Session, call: Call): Promise<boolean> {
  // What writes natively is the vendor's, and nobody says what it reads.
  if (session.driver.archive) return false;
  const run = { operation: 'rehydrate', script: 'tarKind', path: workspacePath } as const;
  const said = await runScript(session, run, { signal: call.signal });
  return Buffer.from(said).toString('latin1') === 'GNU';
}

/** Tar programs make links that may lead elsewhere when all else is there, which changes the times of their directories. */
function comesLate(linkTarget: string): boolean {
  return linkTarget.startsWith('/') || linkTarget.split('/').includes('..');
}

function target(
  session: Session,
  section: Section,
): Pick<ReturnType<typeof workspaceTarget>, 'putArchive'> {
  if (section.steps.length === 0) return workspaceTarget(session);
  return {
    async putArchive(tar, call) {
      const where = { path: workspacePath, args: sectionArguments(section) };
      const run = { operation: 'rehydrate', script: 'unpack', ...where, input: tar } as const;
      await runScript(session, run, { signal: call.signal });
    },
  };
}

function partOf(plan: RestorePlan, section: Section, sections: readonly Section[]): RestorePlan {
  const isIn = (path: BytePath): boolean => sectionOf(path, sections).root === section.root;
  const own = <Item extends { readonly path: BytePath }>(items: readonly Item[]): readonly Item[] =>
    items.filter(({ path }) => isIn(path));
  const hardlinks = own(plan.hardlinks);
  const apart = hardlinks.find(({ entry }) => !isIn(entry.first));
  if (apart) {
    throw new SandboxError(
      'unsupported',
      `${pathText(apart.entry.first)} has another name so deep in the workspace that no system call takes both; make that name a copy`,
      { operation: 'rehydrate' },
    );
  }
  const { facts, bytes } = plan;
  return {
    directories: own(plan.directories),
    files: own(plan.files),
    symlinks: own(plan.symlinks),
    ...{ hardlinks, facts, bytes },
  };
}
