/** Shorter values are too common to be told from ordinary text. */
const shortest = 4;

/** After how many characters programs break lines of base64: `base64` and MIME, and OpenSSL and PEM. */
const base64Lines = [76, 64] as const;

/**
 * A value in the forms in which programs print it, each paired with the same form of its stand-in: as it is, base64 (both
 * alphabets, at any offset; from its beginning also in lines), hexadecimal, percent-encoded and JSON-escaped, in the ways of
 * several languages. None for values under 4 bytes. Pairs are of the same length where value and stand-in have the same length
 * and differ in ASCII letters and digits only.
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

/** The forms that stand for bytes, be they text or not. One that is too short to be told from ordinary text is empty. */
export function byteForms(bytes: Buffer): readonly string[] {
  const hex = bytes.toString('hex');
  return [hex, hex.toUpperCase(), ...[0, 1, 2].flatMap((offset) => base64Forms(bytes, offset))];
}

/** In an order that depends on nothing but the form. */
function formsOf(value: string): readonly string[] {
  const bytes = Buffer.from(value);
  return [value, ...escapedForms(value), ...percentForms(bytes), ...byteForms(bytes)];
}

/** As JSON has it, and as those write it who escape more: all but ASCII, slashes (PHP), what HTML gives a meaning (Go), and .NET. */
function escapedForms(value: string): readonly string[] {
  const escaped = JSON.stringify(value).slice(1, -1);
  const ascii = escaped.replaceAll(/[^ -~]/g, codeOf);
  return [
    escaped,
    ascii,
    ascii.replaceAll('/', String.raw`\/`),
    escaped.replaceAll(/[<>&]/g, codeOf),
    JSON.stringify(value.replaceAll('"', '\u0001'))
      .slice(1, -1)
      .replaceAll(String.raw`\u0001`, String.raw`\u0022`)
      .replaceAll(/[^ -~]|[<>&'+`]/g, (character) =>
        codeOf(character).toUpperCase().replace('U', 'u'),
      ),
  ];
}

function codeOf(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** As JavaScript, RFC 3986, Python (which leaves slashes) and forms (where a space is a plus) have it, in both cases. */
function percentForms(bytes: Buffer): readonly string[] {
  const ways = [
    percent(bytes, /[A-Za-z0-9\-_.!~*'()]/),
    percent(bytes, /[A-Za-z0-9\-_.~]/),
    percent(bytes, /[A-Za-z0-9\-_.~/]/),
    percent(bytes, /[A-Za-z0-9\-_.* ]/).replaceAll(' ', '+'),
    percent(bytes, /[A-Za-z0-9\-_.~ ]/).replaceAll(' ', '+'),
  ];
  const lower = (form: string): string =>
    form.replaceAll(/%[0-9A-F]{2}/g, (code) => code.toLowerCase());
  return ways.flatMap((form) => [form, lower(form)]);
}

function percent(bytes: Buffer, kept: RegExp): string {
  return Array.from(bytes, (byte) => {
    const character = String.fromCharCode(byte);
    if (kept.test(character)) return character;
    return `%${byte.toString(16).padStart(2, '0').toUpperCase()}`;
  }).join('');
}

/** What of the value's base64 does not depend on its neighbors, where the value begins at this place of a group of three. */
function base64Forms(bytes: Buffer, offset: number): readonly string[] {
  const padded = Buffer.concat([Buffer.alloc(offset), bytes]);
  const whole = padded.toString('base64').replaceAll('=', '');
  const begin = Math.ceil((offset * 8) / 6);
  const end = Math.floor((padded.length * 8) / 6);
  const stable = whole.slice(begin, end);
  // A few characters of base64 are no secret, but they are in half of all texts.
  const forms =
    stable.length < 6 ? ['', ''] : [stable, stable.replaceAll('+', '-').replaceAll('/', '_')];
  if (offset > 0) return forms;
  const lines = base64Lines.map((width) =>
    stable.replaceAll(new RegExp(`.{${width}}(?=.)`, 'g'), '$&\n'),
  );
  return [...forms, ...lines];
}
