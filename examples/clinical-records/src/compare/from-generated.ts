import { precisions } from './leaf.ts';
import type { Leaf, Leaves } from './leaf.ts';

/** One result that the package's own parser made, as leaves of its model. */
export interface GeneratedResult {
  /** Version of the parser that made it, where the result says so. */
  readonly version: string | undefined;
  readonly leaves: Leaves;
}

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
type JsonObject = { readonly [key: string]: Json };

/**
 * Reads one of the package's results. One of them is console output: JSON with lines around it.
 * Names that older versions of the model used are replaced by those of the last one.
 */
export function readGenerated(text: string): GeneratedResult {
  const { data, meta } = parseResult(text);
  const leaves = new Map<string, Leaf>();
  if (!isObject(data)) throw new Error('the generated result has no data');
  flatten('demographics', modernize(data['demographics'] ?? null), leaves);
  const encounters = data['encounters'];
  const list = isList(encounters) ? encounters.map(modernizeEncounter) : undefined;
  leaves.set('encounters.length', { value: list === undefined ? 'none' : `${list.length}` });
  flatten('encounters', list ?? null, leaves);
  const version = isObject(meta) ? meta['version'] : undefined;
  return { version: typeof version === 'string' ? version : undefined, leaves };
}

function parseResult(text: string): JsonObject {
  // Console output starts with a line of its own; the JSON in it ends at its unindented brace.
  const start = text.search(/^\{$/m);
  const isConsoleOutput = start > 0 && text.slice(0, start).trim() !== '';
  const json = isConsoleOutput ? text.slice(start, text.indexOf('\n}\n', start) + 2) : text;
  const value = JSON.parse(json) as Json;
  if (!isObject(value)) throw new Error('the generated result is not a JSON object');
  return value;
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}

/** Name in an older model -> name in the last one. */
const renamed: Readonly<Record<string, string>> = {
  streetLines: 'street_lines',
  identifier_type: 'extension',
  loc_type: 'location_type',
  race_ethnicity: 'race',
};

function modernize(value: Json): Json {
  if (isList(value)) return value.map(modernize);
  if (!isObject(value)) return value;
  const entries = Object.entries(value).map(([key, inner]): [string, Json] => {
    // Once, a date was a list of one time stamp; it was a point in all files that have it so.
    if (key === 'dob' && isList(inner)) return [key, { point: inner[0] ?? null }];
    return [renamed[key] ?? key, modernize(inner)];
  });
  return Object.fromEntries(entries);
}

function modernizeEncounter(value: Json): Json {
  if (!isObject(value)) return value;
  const { name, code, code_system_name, translations, date, ...rest } = modernize(
    value,
  ) as JsonObject;
  const concept = clean({ name, code, code_system_name, translations });
  return clean({
    ...(Object.keys(concept).length === 0 ? {} : { encounter: concept }),
    ...(isList(date) ? { date_time: { point: date[0] ?? null } } : {}),
    ...rest,
    locations: mapList(rest['locations'], ({ addresses, ...location }) =>
      clean({ ...location, ...(addresses === undefined ? {} : { address: addresses }) }),
    ),
    performers: mapList(rest['performers'], (one) =>
      typeof one['code'] === 'string' ? { code: [one] } : one,
    ),
    findings: mapList(rest['findings'], (one) => ('value' in one ? one : { value: one })),
  });
}

function mapList(
  value: Json | undefined,
  change: (item: JsonObject) => JsonObject,
): Json | undefined {
  return isList(value) ? value.map((item) => (isObject(item) ? change(item) : item)) : undefined;
}

function clean(value: Readonly<Record<string, Json | undefined>>): JsonObject {
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, Json] => entry[1] !== undefined),
  );
}

function flatten(path: string, value: Json, leaves: Map<string, Leaf>): void {
  if (value === null) return;
  if (isList(value)) {
    for (const [index, inner] of value.entries()) flatten(`${path}[${index}]`, inner, leaves);
  } else if (isObject(value)) {
    const { date, precision } = value;
    const isTime = typeof date === 'string' && typeof precision === 'string';
    const entries = isTime ? { ...value, date: cut(date, precision) } : value;
    for (const [key, inner] of Object.entries(entries)) flatten(`${path}.${key}`, inner, leaves);
  } else {
    leaves.set(path, { value: String(value) });
  }
}

// Every time of the model is written in UTC to the millisecond; its precision says what of it counts.
function cut(date: string, precision: string): string {
  const length = precisions.get(precision);
  const time = length === undefined ? date : date.slice(0, length);
  return time.length > 10 ? `${time.replace(/(\.0+)?Z$/, '')}Z` : time;
}
