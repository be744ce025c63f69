import type { Call } from '../../contract/call.ts';
import { SandboxError } from '../../errors/sandbox-error.ts';
import { streamScript } from '../../files/run-script.ts';
import type { BytePath } from '../../manifest/byte-path.ts';
import { joinPath, pathBytes } from '../../manifest/byte-path.ts';
import { type Session, workspacePath } from '../../provider/session.ts';
import { sectionLength } from '../section-length.ts';
import { bySection, insideSection, type Section, sectionArguments } from '../sections.ts';
import { gnuEntry, plainEntries, type SurveyedEntry, timeSeconds } from './survey-entry.ts';

/** A listing: what was there, by path. */
export type Survey = ReadonlyMap<BytePath, SurveyedEntry>;

const operation = 'snapshot';
/** The kernel stamps changes with a clock that may tick only every 10 ms. Twice that, in seconds. */
const tick = 0.02;

/** Everything in the workspace, as programs in the sandbox list it. The workspace itself is left out. */
export async function surveyWorkspace(session: Session, call: Call): Promise<Survey> {
  const survey = new Map<BytePath, SurveyedEntry>();
  const look = async (section: Section): Promise<void> => {
    const found = await runSurvey(session, 'survey', section, undefined, call);
    addSection(survey, found, section);
    // Each has been listed itself, and not gone into.
    const long = [...found.values()].filter(
      ({ path, type }) => type === 'directory' && path.length >= sectionLength,
    );
    for (const { path } of long) {
      await look({ root: joinPath(section.root, path), steps: [...section.steps, path] });
    }
  };
  await look({ root: '', steps: [] });
  return survey;
}

/** The same for these paths alone; what is not there any more is left out. */
export async function lookAt(
  session: Session,
  paths: readonly BytePath[],
  sections: readonly Section[],
  call: Call,
): Promise<Survey> {
  const survey = new Map<BytePath, SurveyedEntry>();
  if (paths.length === 0) return survey;
  for (const [section, group] of bySection(paths, (path) => path, sections)) {
    const input = nameList(group, section);
    addSection(survey, await runSurvey(session, 'look', section, input, call), section);
  }
  return survey;
}

async function runSurvey(
  session: Session,
  script: 'survey' | 'look',
  section: Section,
  input: Uint8Array | undefined,
  call: Call,
): Promise<Survey> {
  const run = {
    ...{ operation, script, path: workspacePath, args: sectionArguments(section) },
    ...(input === undefined ? {} : { input }),
  };
  return readSurvey(await streamScript(session, run, { signal: call.signal }));
}

function addSection(survey: Map<BytePath, SurveyedEntry>, found: Survey, { root }: Section): void {
  for (const [name, entry] of found) {
    const path = joinPath(root, name);
    survey.set(path, root === '' ? entry : { ...entry, path });
  }
}

/** Names as the scripts take them on standard input. */
export function nameList(paths: readonly BytePath[], section: Section): Uint8Array {
  return Buffer.concat(paths.map((path) => pathBytes(`./${insideSection(path, section)}\0`)));
}

async function readSurvey(output: AsyncIterable<Uint8Array>): Promise<Survey> {
  const reader = new SurveyReader();
  let rest = '';
  for await (const chunk of output) {
    const text = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length).toString('latin1');
    const items = (rest + text).split('\0');
    rest = items.pop() ?? '';
    for (const item of items) reader.take(item);
  }
  if (rest !== '' || !reader.complete) throw unreadable(rest);
  return reader.survey;
}

/** Takes the NUL-ended items of a listing one by one. They are the guest's: what is not of the one form is `internal`. */
class SurveyReader {
  readonly survey: Map<BytePath, SurveyedEntry> = new Map<BytePath, SurveyedEntry>();
  #state: 'start' | 'form' | 'gnu' | 'names' | 'lines' = 'start';
  #racyFrom = 0;
  #names: string[] = [];

  get complete(): boolean {
    return this.#state === 'gnu' || (this.#state === 'names' && this.#names.length === 0);
  }

  take(item: string): void {
    switch (this.#state) {
      case 'gnu':
        this.#keep(gnuEntry(item), item);
        break;
      case 'names':
        if (item === '') this.#state = 'lines';
        else this.#names.push(item);
        break;
      case 'lines': {
        for (const entry of plainEntries(this.#names, item) ?? [undefined]) this.#keep(entry, item);
        this.#names = [];
        this.#state = 'names';
        break;
      }
      case 'start':
        this.#racyFrom = timeSeconds(item) - tick;
        if (Number.isNaN(this.#racyFrom)) throw unreadable(item);
        this.#state = 'form';
        break;
      case 'form':
        if (item !== 'g' && item !== 's') throw unreadable(item);
        this.#state = item === 'g' ? 'gnu' : 'names';
        break;
    }
  }

  #keep(entry: SurveyedEntry | undefined, item: string): void {
    if (entry === undefined) throw unreadable(item);
    entry.racy = entry.changed >= this.#racyFrom;
    this.survey.set(entry.path, entry);
  }
}

function unreadable(text: string): SandboxError {
  const said = JSON.stringify(text.slice(0, 80));
  return new SandboxError('internal', `the listing from the sandbox makes no sense: ${said}`, {
    operation,
  });
}
