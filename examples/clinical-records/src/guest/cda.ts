import { CdaDocument, hl7Namespace } from './cda-document.ts';
import { readEncompassing, readEncounters } from './cda-encounters.ts';
import { readPatient } from './cda-patient.ts';
import type { ClinicalRecord, RecordFormat } from './record.ts';
import { UnreadableDocument } from './source-text.ts';
import type { SourceText } from './source-text.ts';
import { parseXml } from './xml-tree.ts';

/** Document templates by which a format is told, the most specific first. */
export const formatTemplates: readonly (readonly [RecordFormat, ReadonlySet<string>])[] = [
  ['c-cda', new Set(['2.16.840.1.113883.10.20.22.1.1', '2.16.840.1.113883.10.20.22.1.2'])],
  ['c32', new Set(['2.16.840.1.113883.3.88.11.32.1'])],
  ['ccd', new Set(['2.16.840.1.113883.10.20.1'])],
];

/** What a CDA document (C-CDA, HITSP C32 or CCD 1.0) says of its patient and encounters. */
export function readCda(source: SourceText): Omit<ClinicalRecord, 'spec' | 'document'> {
  const document = new CdaDocument(parseXml(source.text), source);
  const { root } = document;
  if (root.name !== 'ClinicalDocument' || root.uri !== hl7Namespace) {
    throw new UnreadableDocument(
      `its root element is <${root.name}>, not HL7's <ClinicalDocument>`,
    );
  }
  const format = formatTemplates.find(([, roots]) => document.hasTemplate(root, roots))?.[0];
  if (format === undefined) {
    throw new UnreadableDocument(
      'it carries the templateId of none of C-CDA, HITSP C32 and CCD 1.0',
    );
  }
  return {
    format,
    title: document.text(document.child(root, 'title')),
    patient: readPatient(document),
    encounters: readEncounters(document),
    encompassingEncounter: readEncompassing(document),
  };
}
