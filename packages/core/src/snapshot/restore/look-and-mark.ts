import type { Call } from '../../contract/call.ts';
import type { FileType } from '../../contract/file-types.ts';
import { type BytePath, bytePath } from '../../manifest/byte-path.ts';
import type { Session } from '../../provider/session.ts';
import { surveyWorkspace } from '../capture/survey.ts';
import { sandboxName } from '../capture/take-snapshot.ts';
import type { CompareSource, PathFacts } from '../format/snapshot-index.ts';

/** An entry as it was found. */
interface FoundEntry {
  readonly type: FileType;
  readonly details: () => { readonly mode: number; readonly size: number };
}

/** A look at a whole workspace, and what a later one is compared with. */
export interface Look {
  readonly entries: ReadonlyMap<BytePath, FoundEntry>;
  readonly source: CompareSource;
  readonly facts: ReadonlyMap<BytePath, PathFacts>;
}

/** Looks at everything in a workspace: on the host where it can see it, else by programs in the sandbox. */
export async function lookAndMark(session: Session, call: Call): Promise<Look> {
  const sandbox = sandboxName(session);
  const { changes } = session.driver;
  const onHost = changes && session.capabilities.changes?.evidence === 'host-layer';
  if (!onHost || !changes.all) {
    const entries = await surveyWorkspace(session, call);
    const facts = new Map(
      [...entries].map(([path, { racy, state }]): [BytePath, PathFacts] => [
        path,
        { modifiedNs: 0n, state: racy ? '' : state },
      ]),
    );
    if (!onHost) return { entries, source: { kind: 'listing', sandbox }, facts };
    const mark = await changes.mark(session.handle, call);
    return { entries, source: { kind: 'mark', sandbox, mark }, facts: new Map() };
  }
  const entries = new Map<BytePath, FoundEntry>();
  const told = changes.all(session.handle, call);
  for (;;) {
    const step = await told.next();
    if (step.done === true) {
      return { entries, source: { kind: 'mark', sandbox, mark: step.value }, facts: new Map() };
    }
    const { path, stat } = step.value;
    if (stat) entries.set(bytePath(path), { type: stat.type, details: () => stat });
  }
}
