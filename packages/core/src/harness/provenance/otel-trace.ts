import { createHash } from 'node:crypto';
import type { ShownEvent } from '../harness-types.ts';
import { type Json, textFact } from '../journal/run-event.ts';

interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: 1;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly Attribute[];
  readonly status: { readonly code: 0 | 1 | 2 };
}

interface Attribute {
  readonly key: string;
  readonly value:
    | { readonly stringValue: string }
    | { readonly intValue: string }
    | { readonly boolValue: boolean };
}

/**
 * A run as an OTLP trace in JSON: a span for the run, one for each try of a step or branch, and one for each command and tool
 * call, with the names of OpenTelemetry's conventions (process.*, gen_ai.*) and gantry.* for the rest.
 */
export function otelTrace(run: string, events: readonly ShownEvent[]): unknown {
  const traceId = idOf(`trace ${run}`, 32);
  const root = idOf(`run ${run}`, 16);
  const spans: Span[] = [];
  const open = new Map<string, ShownEvent>();
  for (const event of events) {
    const place = `${event.scope ?? ''}#${event.ordinal ?? ''}`;
    if (event.type === 'step.started' || event.type === 'branch.started') open.set(place, event);
    else if (/^(?:step|branch)\.(?:recorded|failed)$/.test(event.type)) {
      const begun = open.get(place) ?? event;
      const failed = event.type.endsWith('failed');
      spans.push(span(traceId, parentOf(event, open, root), begun, event, failed ? 2 : 1));
      open.delete(place);
    } else if (event.type === 'command' || event.type === 'tool.call') {
      spans.push(span(traceId, parentOf(event, open, root), event, event, 0));
    }
  }
  // What was begun and never ended was interrupted.
  for (const begun of open.values()) spans.push(span(traceId, root, begun, begun, 2));
  const first = events[0];
  const last = events.at(-1);
  if (first && last) {
    const code = events.some(({ type }) => type === 'run.finished') ? 1 : 2;
    spans.unshift({
      ...span(traceId, undefined, first, last, code),
      spanId: root,
      name: `run ${textFact(first, 'name', run)}`,
    });
  }
  const service = [attribute('service.name', 'gantry'), attribute('gantry.run.id', run)];
  return {
    resourceSpans: [
      {
        resource: { attributes: service },
        scopeSpans: [{ scope: { name: '@gantry/core/harness' }, spans }],
      },
    ],
  };
}

/** The span of an event is known by the event's place in the run: exporting twice gives the same ids. */
function span(
  traceId: string,
  parent: string | undefined,
  begun: ShownEvent,
  ended: ShownEvent,
  code: 0 | 1 | 2,
): Span {
  return {
    traceId,
    spanId: idOf(`${begun.run}/${begun.sequence}`, 16),
    ...(parent === undefined ? {} : { parentSpanId: parent }),
    name: nameOf(begun),
    kind: 1,
    startTimeUnixNano: nanoseconds(
      begun.time - Number(ended.type === 'command' ? (begun.facts?.['durationMs'] ?? 0) : 0),
    ),
    endTimeUnixNano: nanoseconds(ended.time),
    attributes: attributesOf(begun, ended),
    status: { code },
  };
}

function parentOf(
  { scope, step, type }: ShownEvent,
  open: ReadonlyMap<string, ShownEvent>,
  root: string,
): string {
  const inStep = type === 'command' || type === 'tool.call';
  const step_ = inStep
    ? [...open.values()].findLast((event) => event.scope === scope && event.step === step)
    : undefined;
  const branch =
    scope === undefined || type.startsWith('branch.') ? undefined : open.get(`${scope}#`);
  const parent = step_ ?? branch;
  return parent ? idOf(`${parent.run}/${parent.sequence}`, 16) : root;
}

function nameOf(event: ShownEvent): string {
  const { type, step, scope } = event;
  if (type === 'tool.call') return `execute_tool ${textFact(event, 'tool', '')}`;
  if (type === 'command') return 'command';
  return type.startsWith('branch.')
    ? `branch ${scope ?? ''}`
    : `${textFact(event, 'kind', 'step')} ${step ?? ''}`;
}

function attributesOf(begun: ShownEvent, ended: ShownEvent): readonly Attribute[] {
  const { sequence, sandbox, attempt, superseded, facts, outputs } = ended;
  const exit = facts?.['exit'];
  const tool = facts?.['tool'];
  const code =
    typeof exit === 'object' && exit !== null && 'code' in exit ? exit['code'] : undefined;
  const given: readonly [string, Json | undefined][] = [
    ['gantry.event.sequence', sequence],
    ['gantry.sandbox', sandbox ?? begun.sandbox],
    ['gantry.attempt', attempt],
    ['gantry.superseded', superseded || undefined],
    ['gantry.outputs.digest', outputs],
    ['process.exit.code', code],
    ['gen_ai.operation.name', tool === undefined ? undefined : 'execute_tool'],
    ['gen_ai.tool.name', tool],
  ];
  return given.flatMap(([key, value]) => (value === undefined ? [] : [attribute(key, value)]));
}

function attribute(key: string, value: Json): Attribute {
  if (typeof value === 'boolean') return { key, value: { boolValue: value } };
  if (typeof value === 'number') return { key, value: { intValue: String(Math.round(value)) } };
  return { key, value: { stringValue: typeof value === 'string' ? value : JSON.stringify(value) } };
}

function nanoseconds(milliseconds: number): string {
  return String(BigInt(Math.round(milliseconds * 1000)) * 1000n);
}

function idOf(what: string, length: number): string {
  return createHash('sha256').update(what).digest('hex').slice(0, length);
}
