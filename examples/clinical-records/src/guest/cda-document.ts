import type { NormalizationName } from './normalize.ts';
import type { Field } from './record.ts';
import type { SourceText } from './source-text.ts';
import type { XmlElement } from './xml-tree.ts';

/** The namespace of HL7 version 3, which CDA documents are in. */
export const hl7Namespace = 'urn:hl7-org:v3';

/** A parsed CDA document, and what finding fields in it needs. */
export class CdaDocument {
  readonly root: XmlElement;
  readonly source: SourceText;
  readonly #byId = new Map<string, XmlElement>();

  constructor(root: XmlElement, source: SourceText) {
    this.root = root;
    this.source = source;
    const waiting = [root];
    for (let element = waiting.pop(); element !== undefined; element = waiting.pop()) {
      const id = this.plain(element, 'ID');
      if (id !== undefined) this.#byId.set(id, element);
      waiting.push(...element.children);
    }
  }

  /** The first child of that name, in HL7's namespace, along a path of names. */
  child(element: XmlElement | undefined, ...path: string[]): XmlElement | undefined {
    return path.reduce((at, name) => this.children(at, name)[0], element);
  }

  /** The children of that name, in HL7's namespace. */
  children(element: XmlElement | undefined, name: string): readonly XmlElement[] {
    return (element?.children ?? []).filter((one) => one.name === name && one.uri === hl7Namespace);
  }

  /** An attribute's text as it is written, for decisions rather than results. */
  plain(element: XmlElement | undefined, name: string): string | undefined {
    const span = element?.attributes.get(name);
    return span === undefined ? undefined : this.source.text.slice(span.start, span.end);
  }

  /** An attribute as a field. */
  attribute(
    element: XmlElement | undefined,
    name: string,
    ...normalizations: NormalizationName[]
  ): Field | undefined {
    const span = element?.attributes.get(name);
    if (span === undefined) return undefined;
    return this.source.field(span.start, span.end, ...normalizations, 'xml-attribute');
  }

  /** The first stretch of text directly inside an element. */
  text(element: XmlElement | undefined): Field | undefined {
    for (const run of element?.runs ?? []) {
      const field = this.source.field(run.start, run.end, 'xml-text');
      if (field !== undefined) return field;
    }
    return undefined;
  }

  /** The text of an element: its own, else that of the element its `<reference>` names. */
  textOrReference(element: XmlElement | undefined): Field | undefined {
    const own = this.text(element);
    if (own !== undefined) return own;
    const target = this.plain(this.child(element, 'reference'), 'value');
    const named = target?.startsWith('#') ? this.#byId.get(target.slice(1)) : undefined;
    return this.#firstText(named);
  }

  /** Whether an element carries a `templateId` with one of these roots. */
  hasTemplate(element: XmlElement, roots: ReadonlySet<string>): boolean {
    return this.children(element, 'templateId').some((one) =>
      roots.has(this.plain(one, 'root') ?? ''),
    );
  }

  #firstText(element: XmlElement | undefined): Field | undefined {
    if (element === undefined) return undefined;
    const own = this.text(element);
    if (own !== undefined) return own;
    for (const child of element.children) {
      const field = this.#firstText(child);
      if (field !== undefined) return field;
    }
    return undefined;
  }
}
