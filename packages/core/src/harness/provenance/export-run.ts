import { createHash } from 'node:crypto';
import { canonicalJson } from '../../manifest/canonical-json.ts';
import type { ExportFormat, ShownEvent } from '../harness-types.ts';
import type { RunRecords } from '../run-records.ts';
import { otelTrace } from './otel-trace.ts';

/** A run's provenance in a form that other tools read, as lines of text. Bodies stay in the journal. */
export async function* exportRun(
  records: RunRecords,
  run: string,
  format: ExportFormat,
): AsyncGenerator<string> {
  if (format === 'jsonl') {
    for await (const event of records.events(run)) yield canonicalJson(event);
    return;
  }
  const events: ShownEvent[] = [];
  for await (const event of records.events(run)) events.push(event);
  if (format === 'intoto') yield canonicalJson(statement(run, events));
  else yield JSON.stringify(otelTrace(run, events));
}

/** One in-toto statement (v1) with a SLSA provenance predicate: what the run made, of what, and by which events. */
function statement(run: string, events: readonly ShownEvent[]): unknown {
  const counted = events.filter(({ superseded }) => !superseded);
  const [created] = counted;
  const ending = counted.findLast(({ type }) => type === 'run.finished' || type === 'run.failed');
  const claims = counted.filter(({ type }) => type === 'run.claimed');
  const materials = [
    ...new Set(counted.flatMap(({ manifest }) => (manifest === undefined ? [] : [manifest]))),
  ];
  const iso = (time: number | undefined): string | undefined =>
    time === undefined ? undefined : new Date(time).toISOString();
  return {
    _type: 'https://in-toto.io/Statement/v1',
    subject: subjects(run, counted),
    predicateType: 'https://slsa.dev/provenance/v1',
    predicate: {
      buildDefinition: {
        buildType: 'urn:gantry:run:v1',
        externalParameters: { name: created?.facts?.['name'] ?? run, inputs: created?.inputs },
        internalParameters: { events: events.length },
        resolvedDependencies: materials.map((digest) => ({
          name: 'plan',
          digest: { sha256: digest },
        })),
      },
      runDetails: {
        builder: { id: claims.at(-1)?.actor ?? created?.actor ?? 'harness' },
        metadata: {
          invocationId: run,
          startedOn: iso(created?.time),
          finishedOn: iso(ending?.time),
        },
        byproducts: counted
          .filter(({ type }) => type === 'checkpoint')
          .map(({ sequence, snapshot }) => ({
            name: `checkpoint at event ${sequence}`,
            digest: { sha256: snapshot },
          })),
      },
    },
  };
}

/** Artifacts by the place of their event, since their paths are in bodies, and the workspace that the run ended with. */
function subjects(run: string, events: readonly ShownEvent[]): readonly unknown[] {
  const artifacts = events.flatMap(({ type, sequence, facts }) =>
    type === 'artifact'
      ? [{ name: `artifact at event ${sequence}`, digest: { sha256: facts?.['sha256'] } }]
      : [],
  );
  const tree = events.findLast(({ type }) => type === 'run.finished')?.after;
  const workspace = tree === undefined ? [] : [{ name: 'workspace', digest: { gantryTree: tree } }];
  if (artifacts.length + workspace.length > 0) return [...artifacts, ...workspace];
  // A statement must have a subject: a run that made nothing vouches for its own record.
  const record = createHash('sha256').update(events.map(canonicalJson).join('\n')).digest('hex');
  return [{ name: `record of ${run}`, digest: { sha256: record } }];
}
