import { SaxesParser } from 'saxes';
import { UnreadableDocument } from './source-text.ts';

/** A range of positions (UTF-16) in the document's text. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** One element, with where it and its parts are in the text. */
export interface XmlElement {
  /** Local name. */
  readonly name: string;
  /** Namespace, empty when there is none. */
  uri: string;
  readonly start: number;
  end: number;
  /** Attribute as written (with its prefix) -> its value without the quotes. */
  readonly attributes: Map<string, Span>;
  readonly children: XmlElement[];
  /** The stretches of text between the tags directly inside, those of white space alone left out. */
  readonly runs: Span[];
}

const deepest = 256;

/**
 * The element tree of an XML document, parsed by `saxes` (well-formedness and namespaces checked).
 * Throws `UnreadableDocument` with line and column for a document that is not well-formed.
 */
export function parseXml(text: string): XmlElement {
  const parser = new SaxesParser({ xmlns: true, position: true });
  const open: XmlElement[] = [];
  let root: XmlElement | undefined;
  let pending = new Map<string, Span>();
  // Where the last tag ended: the text of a run starts there.
  let cursor = 0;

  const endRun = (end: number): void => {
    if (/[^ \t\r\n]/.test(text.slice(cursor, end))) open.at(-1)?.runs.push({ start: cursor, end });
  };

  // The parser reports a tag once it is past its name or end; the tag itself begins at the last `<`.
  const tagStart = (): number => text.lastIndexOf('<', parser.position - 1);

  parser.on('opentagstart', (tag) => {
    const start = tagStart();
    endRun(start);
    pending = new Map();
    const name = tag.name.slice(tag.name.indexOf(':') + 1);
    const element = {
      name,
      uri: '',
      start,
      end: start,
      attributes: pending,
      children: [],
      runs: [],
    };
    open.at(-1)?.children.push(element);
    root ??= element;
    open.push(element);
    if (open.length > deepest) {
      throw new UnreadableDocument(`elements are nested more than ${deepest} deep`);
    }
  });
  parser.on('attribute', (attribute) => {
    // Just past the closing quote; a value cannot contain the quote that it is written in.
    const end = parser.position - 1;
    const quote = text.charAt(end);
    pending.set(attribute.name, { start: text.lastIndexOf(quote, end - 1) + 1, end });
  });
  parser.on('opentag', (tag) => {
    const element = open.at(-1);
    if (element !== undefined) element.uri = tag.uri;
    cursor = parser.position;
  });
  parser.on('closetag', (tag) => {
    const element = open.at(-1);
    if (!tag.isSelfClosing) endRun(tagStart());
    open.pop();
    cursor = parser.position;
    if (element !== undefined) element.end = cursor;
  });
  parser.on('xmldecl', ({ encoding }) => {
    if (encoding !== undefined && !/^(utf-8|us-ascii)$/i.test(encoding)) {
      throw new UnreadableDocument(`its encoding is ${encoding}; only UTF-8 is read`);
    }
  });
  parser.on('error', (error) => {
    throw new UnreadableDocument(`malformed XML at ${error.message}`);
  });
  parser.write(text).close();
  if (root === undefined) throw new UnreadableDocument('malformed XML: it has no root element');
  return root;
}
