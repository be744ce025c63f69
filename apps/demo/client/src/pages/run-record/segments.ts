import type { ExtractedField } from '../../../../src/protocol/runs.ts';

/** A stretch of a document's text, and the fields that were read from it. */
export interface Segment {
  /** Byte offset in the document. */
  readonly start: number;
  readonly text: string;
  readonly fields: readonly ExtractedField[];
}

/** Cuts a document at the places of its fields. Offsets are bytes, and never in the middle of a character. */
export function segmentsOf(
  source: ArrayBuffer,
  fields: readonly ExtractedField[],
): readonly Segment[] {
  const cuts = new Set([0, source.byteLength]);
  for (const { start, end } of fields) cuts.add(start).add(end);
  const places = [...cuts].toSorted((a, b) => a - b);
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  return places.slice(0, -1).map((start, index) => {
    const end = places[index + 1] ?? start;
    return {
      start,
      text: decoder.decode(source.slice(start, end)),
      fields: fields.filter((field) => field.start < end && field.end > start),
    };
  });
}

/** Fields in groups, as the record nests them: `patient`, `encounters 1`, … */
export function groupsOf(
  fields: readonly ExtractedField[],
): ReadonlyMap<string, readonly ExtractedField[]> {
  return Map.groupBy(fields, ({ path }) => {
    const [first = '', second = ''] = path.split('.');
    return first === 'encounters' ? `encounter ${Number(second) + 1}` : words(first);
  });
}

/** The part of a field's path below its group, in words. */
export function labelOf(path: string): string {
  const parts = path.split('.');
  const rest = parts.slice(parts[0] === 'encounters' ? 2 : 1);
  if (rest.length === 0) return words(path);
  return rest
    .map((part) => (/^\d+$/.test(part) ? String(Number(part) + 1) : words(part)))
    .join(' › ');
}

function words(name: string): string {
  return name.replaceAll(/([a-z])([A-Z])/g, '$1 $2').toLowerCase();
}
