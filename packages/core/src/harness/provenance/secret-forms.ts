/** Shorter values are too common to be told from ordinary text. */
const shortest = 4;

/**
 * A value in the forms in which programs print it, each paired with the same form of its stand-in: as it is, base64 (both
 * alphabets, at any offset), hexadecimal, percent-encoded and JSON-escaped. None for values under 4 bytes. Pairs are of the
 * same length where value and stand-in have the same length and differ in ASCII letters and digits only.
 */
export function secretForms(
  value: string,
  standIn: string,
): readonly (readonly [string, string])[] {
  if (Buffer.byteLength(value) < shortest) return [];
  const found = new Map<string, string>();
  const other = formsOf(standIn);
  for (const [index, form] of formsOf(value).entries()) {
    if (form.length >= shortest && !found.has(form)) found.set(form, other[index] ?? '');
  }
  // The longest first: a form that contains another is replaced whole.
  return [...found].toSorted(([left], [right]) => right.length - left.length);
}

/** In an order that depends on nothing but the form; one that is too short to be told from ordinary text is empty. */
function formsOf(value: string): readonly string[] {
  const bytes = Buffer.from(value);
  const escaped = JSON.stringify(value).slice(1, -1);
  const hex = bytes.toString('hex');
  const percent = encodeURIComponent(value);
  const percentLower = percent.replaceAll(/%[0-9A-F]{2}/g, (code) => code.toLowerCase());
  const plain = [value, escaped, percent, percentLower, hex, hex.toUpperCase()];
  return [...plain, ...[0, 1, 2].flatMap((offset) => base64Forms(bytes, offset))];
}

/** What of the value's base64 does not depend on its neighbours, where the value begins at this place of a group of three. */
function base64Forms(bytes: Buffer, offset: number): readonly [string, string] {
  const padded = Buffer.concat([Buffer.alloc(offset), bytes]);
  const whole = padded.toString('base64').replaceAll('=', '');
  const begin = Math.ceil((offset * 8) / 6);
  const end = Math.floor((padded.length * 8) / 6);
  const stable = whole.slice(begin, end);
  // A few characters of base64 are no secret, but they are in half of all texts.
  if (stable.length < 6) return ['', ''];
  return [stable, stable.replaceAll('+', '-').replaceAll('/', '_')];
}
