import type { Json } from '../harness/journal/run-event.ts';
import { secretForms } from './secret-forms.ts';

/** Replaces secrets, wherever they are in a value, by their names. */
export interface Redactor {
  text(text: string): string;
  json(value: Json): Json;
}

/**
 * A redactor of these secrets (name and value; a name may have several). It finds each value as it is and in the forms in which
 * programs print it, those of `secretForms`. Values under 4 bytes are left alone.
 */
export function redactor(secrets: Iterable<readonly [name: string, value: string]>): Redactor {
  const replacements = [...secrets]
    .flatMap(([name, value]) =>
      secretForms(value, '').map(([form]) => [form, `[redacted:${name}]`] as const),
    )
    // The longest first: a form that contains another is replaced whole.
    .toSorted(([left], [right]) => right.length - left.length);
  const text = (original: string): string =>
    replacements.reduce((result, [form, mark]) => result.replaceAll(form, () => mark), original);
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
