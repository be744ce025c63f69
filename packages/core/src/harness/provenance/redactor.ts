import type { Json } from '../journal/run-event.ts';

/** Replaces secrets, wherever they are in a value, by their names. */
export interface Redactor {
  text(text: string): string;
  json(value: Json): Json;
}

/** Shorter values are too common to be told from ordinary text. */
const shortest = 4;

/**
 * A redactor of these secrets (name -> value). It finds each value as it is and in the forms in which programs print it:
 * base64 (both alphabets, at any offset), hexadecimal, percent-encoded and JSON-escaped. Values under 4 bytes are left alone.
 */
export function redactor(secrets: Readonly<Record<string, string>>): Redactor {
  const replacements = Object.entries(secrets)
    .filter(([, value]) => Buffer.byteLength(value) >= shortest)
    .flatMap(([name, value]) => forms(value).map((form) => [form, `[redacted:${name}]`] as const))
    // The longest first: a form that contains another is replaced whole.
    .toSorted(([left], [right]) => right.length - left.length);
  const text = (original: string): string =>
    replacements.reduce((result, [form, mark]) => result.replaceAll(form, mark), original);
  const json = (value: Json): Json => {
    if (typeof value === 'string') return text(value);
    if (value === null || typeof value !== 'object') return value;
    if (isArray(value)) return value.map(json);
    const members = Object.entries(value).map(
      ([key, member]) => [text(key), json(member)] as const,
    );
    return Object.fromEntries(members);
  };
  return replacements.length === 0
    ? { text: (same) => same, json: (same) => same }
    : { text, json };
}

function isArray(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

function forms(value: string): readonly string[] {
  const bytes = Buffer.from(value);
  const escaped = JSON.stringify(value).slice(1, -1);
  const hex = bytes.toString('hex');
  const plain = [value, escaped, encodeURIComponent(value), hex, hex.toUpperCase()];
  return [...new Set([...plain, ...base64Forms(bytes)])].filter((form) => form.length >= shortest);
}

/** What of the value's base64 does not depend on its neighbours, for each of the three places where it can begin. */
function base64Forms(bytes: Buffer): readonly string[] {
  return [0, 1, 2].flatMap((offset) => {
    const padded = Buffer.concat([Buffer.alloc(offset), bytes]);
    const whole = padded.toString('base64').replaceAll('=', '');
    const begin = Math.ceil((offset * 8) / 6);
    const end = Math.floor((padded.length * 8) / 6);
    const stable = whole.slice(begin, end);
    // A few characters of base64 are no secret, but they are in half of all texts.
    if (stable.length < 6) return [];
    return [stable, stable.replaceAll('+', '-').replaceAll('/', '_')];
  });
}
