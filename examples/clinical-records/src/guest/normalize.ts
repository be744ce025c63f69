/**
 * The named ways in which a field's `value` follows from its `raw` bytes in the document. The
 * extractor applies them inside the sandbox; the host applies its own copy again to check.
 */
export const normalizationNames = [
  'none',
  'xml-text',
  'xml-attribute',
  'hl7-date',
  'telecom-uri',
  'va-date',
  'us-date',
] as const;

/** The name of one normalization. */
export type NormalizationName = (typeof normalizationNames)[number];

/**
 * The value that `raw` stands for, or `undefined` when `raw` is not of the form that this
 * normalization reads. Pure, and linear in the length of `raw`.
 *
 * - `none`: the same text.
 * - `xml-text`: comments and processing instructions left out, CDATA unwrapped, references resolved,
 *   white space collapsed and trimmed.
 * - `xml-attribute`: references resolved, white space collapsed and trimmed.
 * - `hl7-date`: an HL7 time stamp as ISO 8601, no more and no less precise than it was written.
 * - `telecom-uri`: as `xml-attribute`, without a leading `tel:` or `mailto:`.
 * - `va-date`: `01 Mar 1948` or `10 Dec 2012 @ 0935` as ISO 8601.
 * - `us-date`: `MM/DD/YYYY` as ISO 8601.
 */
export function normalize(name: NormalizationName, raw: string): string | undefined {
  switch (name) {
    case 'none':
      return raw;
    case 'xml-text':
      return xmlText(raw);
    case 'xml-attribute':
      return xmlAttribute(raw);
    case 'hl7-date':
      return hl7Date(raw);
    case 'telecom-uri':
      return xmlAttribute(raw)
        ?.replace(/^(tel|mailto):/i, '')
        .trim();
    case 'va-date':
      return vaDate(raw);
    case 'us-date':
      return usDate(raw);
    default:
      return undefined;
  }
}

function xmlText(raw: string): string | undefined {
  let text = '';
  let at = 0;
  while (at < raw.length) {
    const open = raw.indexOf('<', at);
    const plain = resolveReferences(raw.slice(at, open === -1 ? raw.length : open));
    if (plain === undefined) return undefined;
    text += plain;
    if (open === -1) break;
    const [opening, closing] = raw.startsWith('<!--', open)
      ? ['<!--', '-->']
      : raw.startsWith('<![CDATA[', open)
        ? ['<![CDATA[', ']]>']
        : ['<?', '?>'];
    const close = raw.indexOf(closing, open + opening.length);
    if (!raw.startsWith(opening, open) || close === -1) return undefined;
    if (opening === '<![CDATA[') text += raw.slice(open + opening.length, close);
    at = close + closing.length;
  }
  return collapse(text);
}

function xmlAttribute(raw: string): string | undefined {
  const text = raw.includes('<') ? undefined : resolveReferences(raw);
  return text === undefined ? undefined : collapse(text);
}

const predefined: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
};

function resolveReferences(text: string): string | undefined {
  let unknown = false;
  const resolved = text.replace(/&([^;&]{0,12};)?/g, (_, body: string | undefined) => {
    const character = body === undefined ? undefined : reference(body.slice(0, -1));
    unknown ||= character === undefined;
    return character ?? '';
  });
  return unknown ? undefined : resolved;
}

function reference(name: string): string | undefined {
  const numeric = /^#(?:x([0-9a-fA-F]+)|([0-9]+))$/.exec(name);
  if (numeric === null) return Object.hasOwn(predefined, name) ? predefined[name] : undefined;
  const [, hexadecimal, decimal] = numeric;
  const code = hexadecimal ? Number.parseInt(hexadecimal, 16) : Number.parseInt(decimal ?? '', 10);
  return code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)
    ? undefined
    : String.fromCodePoint(code);
}

function collapse(text: string): string {
  return text
    .split(/[ \t\r\n]+/)
    .filter(Boolean)
    .join(' ');
}

const hl7Pattern =
  /^(\d{4})(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:(\d\d)(\.\d{1,6})?)?)?)?)?)?(?:([+-]\d\d)(\d\d))?$/;

function hl7Date(raw: string): string | undefined {
  const match = hl7Pattern.exec(raw);
  if (match === null) return undefined;
  const [, year = '', month, day, hour, minute, second, fraction = '', zone, zoneMinutes] = match;
  const date = isoDate(year, month, day);
  if (date === undefined || Number(hour ?? 0) > 23 || Number(minute ?? 0) > 59) return undefined;
  if (Number(second ?? 0) > 60) return undefined;
  if (hour === undefined) return zone === undefined ? date : undefined;
  const clock = [hour, minute, second].filter((part) => part !== undefined).join(':') + fraction;
  return `${date}T${clock}${zone === undefined ? '' : `${zone}:${zoneMinutes ?? '00'}`}`;
}

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];

function vaDate(raw: string): string | undefined {
  const match = /^(\d{1,2}) ([A-Za-z]{3}) (\d{4})(?: @ (\d\d)(\d\d))?$/.exec(raw);
  if (match === null) return undefined;
  const [, day = '', name = '', year = '', hour, minute] = match;
  const month = String(months.indexOf(name.toLowerCase()) + 1).padStart(2, '0');
  const date = isoDate(year, month, day.padStart(2, '0'));
  if (date === undefined || hour === undefined) return date;
  return Number(hour) > 23 || Number(minute) > 59 ? undefined : `${date}T${hour}:${minute ?? ''}`;
}

function usDate(raw: string): string | undefined {
  const match = /^(\d{1,2})\/(\d{1,2})\/(\d{4})$/.exec(raw);
  if (match === null) return undefined;
  const [, month = '', day = '', year = ''] = match;
  return isoDate(year, month.padStart(2, '0'), day.padStart(2, '0'));
}

function isoDate(year: string, month?: string, day?: string): string | undefined {
  if (month === undefined) return year;
  if (month < '01' || month > '12') return undefined;
  if (day === undefined) return `${year}-${month}`;
  const date = `${year}-${month}-${day}`;
  const parsed = new Date(`${date}T00:00:00Z`);
  return parsed.toJSON()?.startsWith(date) ? date : undefined;
}
