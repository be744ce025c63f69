import type { Call } from '../../contract/call.ts';
import type { FileType } from '../../contract/file-types.ts';
import type { Loss, RehydrateOptions, Snapshot } from '../../contract/snapshot-types.ts';
import { SandboxError } from '../../errors/sandbox-error.ts';
import type { BytePath } from '../../manifest/byte-path.ts';
import { pathText } from '../../manifest/byte-path.ts';
import type { Session } from '../../provider/session.ts';
import { rememberBase } from '../capture/take-snapshot.ts';
import { ProgressReporter } from '../progress.ts';
import { ObjectReader } from '../repository/object-reader.ts';
import type { Repository } from '../repository/repository.ts';
import { HoleFinder } from './file-holes.ts';
import { type Look, lookAndMark } from './look-and-mark.ts';
import { mendModes } from './mend-modes.ts';
import { planRestore, type RestorePlan } from './restore-plan.ts';
import { readsHoles, sendSnapshot } from './send-snapshot.ts';

const operation = 'rehydrate';
const special = 0o7000;

/**
 * Writes a snapshot's contents into an empty workspace, every piece checked against its id on the way, and looks at what is
 * there then: another type, mode, size or name is `data-loss`. Returns what was lost.
 */
export async function fillWorkspace(
  session: Session,
  repository: Repository,
  snapshot: Snapshot,
  options: RehydrateOptions,
  call: Call,
): Promise<readonly Loss[]> {
  const chain = await repository.readIndex(snapshot.index, call);
  const reader = new ObjectReader(repository, chain, call);
  const plan = await planRestore(snapshot, chain, reader, options.limits ?? {}, call);
  const progress = new ProgressReporter(options.onProgress);
  const keepSpecialModes = options.keepSpecialModes === true;
  const onFile = (bytes: number): void => progress.add('writing', bytes, 1, plan.bytes);
  const holes = new HoleFinder(repository.codec, () => readsHoles(session, call));
  await sendSnapshot(session, plan, reader, { holes, keepSpecialModes, onFile }, call);
  const mask = keepSpecialModes ? 0o7777 : 0o777;
  const look = (): Promise<Look> => lookAndMark(session, call);
  let found = await look();
  if (await mendModes(session, plan.directories, found.entries, mask, call)) found = await look();
  compareWithPlan(found.entries, plan, mask);
  rememberBase(session.handle, { snapshot: snapshot.id, source: found.source, facts: found.facts });
  const lost: Loss[] = ['processes', 'memory'];
  if (snapshot.skipped.length > 0) lost.push('skipped-entries');
  const modes = [...plan.files, ...plan.directories].map(({ entry }) => entry.mode);
  if (!keepSpecialModes && modes.some((mode) => (mode & special) !== 0)) lost.push('special-modes');
  if (holes.filled) lost.push('holes');
  return lost;
}

/** What is there must be what was sent, no more and no less. */
function compareWithPlan(survey: Look['entries'], plan: RestorePlan, mask: number): void {
  const files = new Map(plan.files.map(({ path, entry }) => [path, entry]));
  let count = 0;
  const expect = (
    path: BytePath,
    type: FileType,
    mode: number | undefined,
    size?: number,
  ): void => {
    count += 1;
    const found = survey.get(path);
    const { mode: actualMode = 0, size: actualSize } = found?.details() ?? {};
    const same =
      found?.type === type &&
      (mode === undefined || mode === actualMode) &&
      (size === undefined || size === actualSize);
    if (same) return;
    const actual = found ? say(found.type, actualMode, actualSize) : 'nothing';
    throw different(path, say(type, mode, size), actual);
  };
  for (const { path, entry } of plan.directories) expect(path, 'directory', entry.mode & mask);
  for (const { path, entry } of plan.files) expect(path, 'file', entry.mode & mask, entry.size);
  for (const { path, entry } of plan.symlinks) {
    expect(path, 'symlink', undefined, entry.target.length);
  }
  for (const { path, entry } of plan.hardlinks) {
    const file = files.get(entry.first);
    expect(path, 'file', (file?.mode ?? 0) & mask, file?.size ?? 0);
  }
  if (survey.size === count) return;
  const known = new Set(
    [...plan.directories, ...plan.files, ...plan.symlinks, ...plan.hardlinks].map(
      ({ path }) => path,
    ),
  );
  const more = [...survey.keys()].find((path) => !known.has(path));
  throw different(more ?? '', 'nothing', 'something');
}

function say(type: string, mode: number | undefined, size: number | undefined): string {
  const bytes = size === undefined || type === 'directory' ? '' : ` of ${size} bytes`;
  const bits = mode === undefined ? '' : ` with mode ${mode.toString(8).padStart(4, '0')}`;
  return `a ${type}${bytes}${bits}`;
}

function different(path: BytePath, expected: string, actual: string): SandboxError {
  const name = pathText(path);
  return new SandboxError(
    'data-loss',
    `${name} did not come back as it was: ${expected} was sent, ${actual} is there`,
    { operation, details: { path: name, expected, actual } },
  );
}
