import type { CdaDocument } from './cda-document.ts';
import type {
  Address,
  Coded,
  Contact,
  Field,
  Identifier,
  Period,
  PersonName,
  Telecom,
} from './record.ts';
import type { XmlElement } from './xml-tree.ts';

type Elements = readonly XmlElement[];

/** The coded value of an element, or `undefined` when it says nothing at all. */
export function readCoded(
  document: CdaDocument,
  element: XmlElement | undefined,
): Coded | undefined {
  // A translation of a translation is not read: results do not nest without end.
  const translations = mapPresent(document.children(element, 'translation'), (one) =>
    readPlainCoded(document, one),
  );
  const coded = readPlainCoded(document, element);
  return translations.length === 0 ? coded : { ...coded, translations };
}

function readPlainCoded(document: CdaDocument, element: XmlElement | undefined): Coded | undefined {
  const original = document.child(element, 'originalText');
  const coded: Coded = {
    code: document.attribute(element, 'code'),
    system: document.attribute(element, 'codeSystem'),
    systemName: document.attribute(element, 'codeSystemName'),
    name: document.attribute(element, 'displayName'),
    originalText: document.textOrReference(original ?? element),
    nullFlavor: document.attribute(element, 'nullFlavor'),
  };
  return Object.values(coded).some((one) => one !== undefined) ? coded : undefined;
}

/** The names among elements; those without a part or a text are left out. */
export function readNames(document: CdaDocument, elements: Elements): PersonName[] {
  return mapPresent(elements, (element) => {
    const parts = (name: string): Field[] =>
      mapPresent(document.children(element, name), (part) => document.text(part));
    const name = {
      prefixes: parts('prefix'),
      given: parts('given'),
      family: parts('family'),
      suffixes: parts('suffix'),
    };
    const divided = Object.values(name).some((list) => list.length > 0);
    const text = divided ? undefined : document.text(element);
    if (!divided && text === undefined) return undefined;
    return { use: document.attribute(element, 'use'), ...name, text };
  });
}

/** The identifiers among `id` elements; those with a null flavor alone are left out. */
export function readIdentifiers(
  document: CdaDocument,
  owner: XmlElement | undefined,
): Identifier[] {
  return mapPresent(document.children(owner, 'id'), (element) => {
    const root = document.attribute(element, 'root');
    const extension = document.attribute(element, 'extension');
    return root === undefined && extension === undefined ? undefined : { root, extension };
  });
}

/** One address, or `undefined` when none of its parts is there. */
export function readAddress(
  document: CdaDocument,
  element: XmlElement | undefined,
): Address | undefined {
  const part = (name: string): Field | undefined => document.text(document.child(element, name));
  const lines = mapPresent(document.children(element, 'streetAddressLine'), (line) =>
    document.text(line),
  );
  const parts = {
    city: part('city'),
    state: part('state'),
    postalCode: part('postalCode'),
    country: part('country'),
  };
  const divided = lines.length > 0 || Object.values(parts).some((one) => one !== undefined);
  const text = divided ? undefined : document.text(element);
  if (!divided && text === undefined) return undefined;
  return { use: document.attribute(element, 'use'), streetLines: lines, ...parts, text };
}

/** The addresses, telephone numbers and e-mail addresses directly inside an element. */
export function readContact(document: CdaDocument, owner: XmlElement | undefined): Contact {
  const telecoms = document.children(owner, 'telecom').map((element) => ({ element }));
  const read = (wanted: (uri: string) => boolean): Telecom[] =>
    mapPresent(telecoms, ({ element }) => {
      if (!wanted(document.plain(element, 'value')?.trim().toLowerCase() ?? '')) return undefined;
      const address = document.attribute(element, 'value', 'telecom-uri');
      if (address === undefined) return undefined;
      return { address, use: document.attribute(element, 'use') };
    });
  return {
    addresses: mapPresent(document.children(owner, 'addr'), (one) => readAddress(document, one)),
    phones: read((uri) => uri.startsWith('tel:') || !/^[a-z]+:/.test(uri)),
    emails: read((uri) => uri.startsWith('mailto:')),
  };
}

/** The time in an `effectiveTime`: a value alone is a point, `low` and `high` are an interval. */
export function readPeriod(document: CdaDocument, element: XmlElement | undefined): Period {
  const start = document.attribute(document.child(element, 'low'), 'value', 'hl7-date');
  const end = document.attribute(document.child(element, 'high'), 'value', 'hl7-date');
  if (start !== undefined || end !== undefined) return { timing: 'interval', start, end };
  const point = document.attribute(element, 'value', 'hl7-date');
  return point === undefined ? { timing: 'not-stated' } : { timing: 'point', start: point };
}

/** What `read` makes of each item, where it makes something. */
export function mapPresent<Item, Result>(
  items: Iterable<Item>,
  read: (item: Item) => Result | undefined,
): Result[] {
  return [...items].map(read).filter((one): one is Result & ({} | null) => one !== undefined);
}
