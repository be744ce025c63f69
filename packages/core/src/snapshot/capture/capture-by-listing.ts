import { SandboxError } from '../../errors/sandbox-error.ts';
import { streamScript } from '../../files/run-script.ts';
import type { BytePath } from '../../manifest/byte-path.ts';
import { pathText } from '../../manifest/byte-path.ts';
import { workspacePath } from '../../provider/session.ts';
import { bySection, cutSections, type Section, sectionArguments } from '../sections.ts';
import { type CaptureContext, isExcluded } from './capture-context.ts';
import { recordTar } from './record-tar.ts';
import { lookAt, nameList, type Survey, surveyWorkspace } from './survey.ts';
import type { SurveyedEntry } from './survey-entry.ts';
import type { EntryFacts } from './workspace-recorder.ts';

const operation = 'snapshot';
/** How often what changed while it was read is read again. */
const rounds = 3;

/**
 * Takes down a workspace by programs in the sandbox: a listing says what is there, `tar` sends the contents of what differs from
 * `before` (states by path; empty for everything), and another look says what changed meanwhile, which is read again. Returns
 * the paths that changed each time.
 */
export async function captureByListing(
  context: CaptureContext,
  before: ReadonlyMap<BytePath, string>,
): Promise<readonly BytePath[]> {
  const states = new Map(before);
  let survey = await surveyAgain(context);
  for (let round = 1; ; round += 1) {
    const wanted = await recordListed(context, survey, states);
    if (wanted.length === 0) return [];
    context.call.signal.throwIfAborted();
    const sections = cutSections(directoriesOf(survey));
    const whole =
      round === 1 && before.size === 0 && context.excluded.length === 0 && sections.length === 1;
    const [sent] = await Promise.allSettled([fetch(context, wanted, survey, sections, whole)]);
    if (sent.status === 'rejected') {
      // What a tar program makes of files that change or vanish under it is not to be relied on: all of it comes again.
      if (round === rounds || !mayPass(sent.reason)) throw sent.reason;
      survey = await surveyAgain(context);
      continue;
    }
    const arrived = sent.value;
    const after = whole
      ? await surveyAgain(context)
      : await lookAt(context.session, wanted, sections, context.call);
    const changed = whole ? differing(survey, after) : wanted.filter(differs(survey, after));
    for (const path of arrived) states.set(path, survey.get(path)?.state ?? '');
    const left = wanted.filter((path) => !arrived.has(path) && !changed.includes(path));
    if (left.length > 0) throw unreadable(left);
    if (changed.length === 0) return [];
    if (round === rounds) return changed.filter((path) => arrived.has(path));
    survey = whole ? after : await surveyAgain(context);
  }
}

/** Takes down what needs no contents, and what is gone; returns the paths of files and links whose contents must come. */
async function recordListed(
  { recorder, excluded }: CaptureContext,
  survey: Survey,
  states: Map<BytePath, string>,
): Promise<readonly BytePath[]> {
  for (const path of states.keys()) {
    if (survey.has(path)) continue;
    await recorder.remove(path);
    states.delete(path);
  }
  const wanted: BytePath[] = [];
  for (const [path, entry] of survey) {
    if (states.get(path) === entry.state || isExcluded(path, excluded)) continue;
    if (entry.type === 'file' || entry.type === 'symlink') wanted.push(path);
    else {
      if (entry.type === 'directory') await recorder.directory(factsOf(entry));
      else await recorder.skip(path, entry.type);
      states.set(path, entry.state);
    }
  }
  return wanted;
}

/** Has the contents sent; returns the paths of those that arrived as what was listed. */
async function fetch(
  context: CaptureContext,
  wanted: readonly BytePath[],
  survey: Survey,
  sections: readonly Section[],
  whole: boolean,
): Promise<ReadonlySet<BytePath>> {
  const missing = new Set(wanted);
  const arrived = new Set<BytePath>();
  const prefixed = whole && context.session.driver.archive !== undefined;
  for (const [section, group] of bySection(wanted, (path) => path, sections)) {
    const tar = whole ? await packTree(context) : await packNamed(context, group, section);
    await recordTar(tar, context.recorder, {
      prefixed,
      root: section.root,
      facts(path, { type }) {
        const entry = survey.get(path);
        const wantedType = type === 'hardlink' ? 'file' : type;
        if (!missing.has(path) || entry?.type !== wantedType) return undefined;
        return factsOf(entry);
      },
      onRecorded(path) {
        missing.delete(path);
        arrived.add(path);
      },
    });
  }
  return arrived;
}

async function packTree({ session, call }: CaptureContext): Promise<ReadableStream<Uint8Array>> {
  const { archive } = session.driver;
  if (archive) return archive.get(session.handle, session.workspace, call);
  const run = { operation, script: 'packTree', path: workspacePath } as const;
  return streamScript(session, run, { signal: call.signal });
}

function packNamed(
  { session, call }: CaptureContext,
  paths: readonly BytePath[],
  section: Section,
): Promise<ReadableStream<Uint8Array>> {
  const input = nameList(paths, section);
  const where = { path: workspacePath, args: sectionArguments(section) };
  const run = { operation, script: 'packNamed', ...where, input } as const;
  return streamScript(session, run, { signal: call.signal });
}

function directoriesOf(survey: Survey): BytePath[] {
  return [...survey.values()].flatMap(({ path, type }) => (type === 'directory' ? [path] : []));
}

function factsOf(entry: SurveyedEntry): EntryFacts {
  const { mode, modifiedNs, identity } = entry.details();
  return {
    path: entry.path,
    mode,
    modifiedNs,
    // What may change again without a trace is read again the next time.
    state: entry.racy ? '' : entry.state,
    ...(identity === undefined ? {} : { identity }),
  };
}

/** Directories that vanish while they are listed make the listing fail; they will not do so for ever. */
async function surveyAgain({ session, call }: CaptureContext): Promise<Survey> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await surveyWorkspace(session, call);
    } catch (error) {
      if (attempt === rounds || !mayPass(error)) throw error;
    }
  }
}

/** Whether a tool may have failed over files that came and went. */
function mayPass(error: unknown): boolean {
  return SandboxError.is(error) && (error.code === 'unknown' || error.code === 'data-loss');
}

function differs(survey: Survey, after: Survey): (path: BytePath) => boolean {
  return (path) => survey.get(path)?.state !== after.get(path)?.state;
}

/** Every path that is not the same in both. */
function differing(survey: Survey, after: Survey): readonly BytePath[] {
  const changed = [...survey.keys()].filter(differs(survey, after));
  for (const path of after.keys()) if (!survey.has(path)) changed.push(path);
  return changed;
}

function unreadable(paths: readonly BytePath[]): SandboxError {
  const [first = ''] = paths;
  const more = paths.length > 1 ? ` and ${paths.length - 1} more` : '';
  return new SandboxError(
    'permission-denied',
    `${pathText(first)}${more} cannot be read by the sandbox's user; give it read permission, or remove it`,
    { operation, details: { path: pathText(first), count: paths.length } },
  );
}
