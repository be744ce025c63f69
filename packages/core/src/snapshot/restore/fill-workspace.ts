import type { Call } from '../../contract/call.ts';
import type { Loss, RehydrateOptions, Snapshot } from '../../contract/snapshot-types.ts';
import { SandboxError } from '../../errors/sandbox-error.ts';
import type { BytePath } from '../../manifest/byte-path.ts';
import { pathText } from '../../manifest/byte-path.ts';
import type { Session } from '../../provider/session.ts';
import { rememberBase, sandboxName } from '../capture/take-snapshot.ts';
import { type Survey, surveyWorkspace } from '../capture/survey.ts';
import type { PathFacts } from '../format/snapshot-index.ts';
import { ProgressReporter } from '../progress.ts';
import { ObjectReader } from '../repository/object-reader.ts';
import type { Repository } from '../repository/repository.ts';
import { planRestore, type RestorePlan } from './restore-plan.ts';
import { sendSnapshot } from './send-snapshot.ts';

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
  await sendSnapshot(session, plan, reader, { keepSpecialModes, onFile }, call);
  const mask = keepSpecialModes ? 0o7777 : 0o777;
  const { changes } = session.driver;
  const survey = await surveyWorkspace(session, call);
  compareWithPlan(survey, plan, mask);
  if (changes && session.capabilities.changes?.evidence === 'host-layer') {
    const mark = await changes.mark(session.handle, call);
    const source = { kind: 'mark', sandbox: sandboxName(session), mark } as const;
    rememberBase(session.handle, { snapshot: snapshot.id, source, facts: new Map() });
  } else {
    const source = { kind: 'listing', sandbox: sandboxName(session) } as const;
    rememberBase(session.handle, { snapshot: snapshot.id, source, facts: factsOf(survey) });
  }
  const lost: Loss[] = ['processes', 'memory'];
  if (snapshot.skipped.length > 0) lost.push('skipped-entries');
  const modes = [...plan.files, ...plan.directories].map(({ entry }) => entry.mode);
  if (!keepSpecialModes && modes.some((mode) => (mode & special) !== 0)) lost.push('special-modes');
  return lost;
}

function factsOf(survey: Survey): ReadonlyMap<BytePath, PathFacts> {
  return new Map(
    [...survey].map(([path, { racy, state }]) => [
      path,
      { modifiedNs: 0n, state: racy ? '' : state },
    ]),
  );
}

function compareWithPlan(survey: Survey, plan: RestorePlan, mask: number): void {
  const files = new Map(plan.files.map(({ path, entry }) => [path, entry]));
  const expected = new Map<BytePath, string>();
  for (const { path, entry } of plan.directories)
    expected.set(path, say('directory', entry.mode & mask));
  for (const { path, entry } of plan.files) {
    expected.set(path, say('file', entry.mode & mask, entry.size));
  }
  for (const { path, entry } of plan.symlinks) {
    expected.set(path, say('symlink', 0, entry.target.length));
  }
  for (const { path, entry } of plan.hardlinks) {
    const file = files.get(entry.first);
    expected.set(path, say('file', (file?.mode ?? 0) & mask, file?.size ?? 0));
  }
  for (const [path, wanted] of expected) {
    const found = survey.get(path);
    const details = found?.details();
    const size = found?.type === 'directory' ? undefined : details?.size;
    const mode = found?.type === 'symlink' ? 0 : (details?.mode ?? 0);
    const actual = found ? say(found.type, mode, size) : 'nothing';
    if (actual !== wanted) throw different(path, wanted, actual);
  }
  for (const path of survey.keys()) {
    if (!expected.has(path)) throw different(path, 'nothing', 'something');
  }
}

function say(type: string, mode: number, size?: number): string {
  const bytes = size === undefined ? '' : ` of ${size} bytes`;
  return `a ${type}${bytes} with mode ${mode.toString(8).padStart(4, '0')}`;
}

function different(path: BytePath, expected: string, actual: string): SandboxError {
  const name = pathText(path);
  return new SandboxError(
    'data-loss',
    `${name} did not come back as it was: ${expected} was sent, ${actual} is there`,
    { operation, details: { path: name, expected, actual } },
  );
}
