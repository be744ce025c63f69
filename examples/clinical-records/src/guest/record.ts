import type { NormalizationName } from './normalize.ts';

/** Half-open range of byte offsets into the source document. */
export interface SourceRange {
  readonly start: number;
  readonly end: number;
}

/** One value that was read from the document, with the bytes that it was read from. */
export interface Field {
  /** What `normalization` makes of `raw`. */
  readonly value: string;
  /** The document's own text at `source`. */
  readonly raw: string;
  readonly source: SourceRange;
  readonly normalization: NormalizationName;
}

/** A coded value. A field that the document does not have is absent. */
export interface Coded {
  readonly code?: Field | undefined;
  readonly system?: Field | undefined;
  readonly systemName?: Field | undefined;
  readonly name?: Field | undefined;
  /** The words that were coded, where needed found through the document's `<reference value="#id"/>`. */
  readonly originalText?: Field | undefined;
  /** HL7's reason for a missing value, such as `UNK`. */
  readonly nullFlavor?: Field | undefined;
  readonly translations?: readonly Coded[] | undefined;
}

/** A name: its parts where the document has parts, else its text. */
export interface PersonName {
  readonly use?: Field | undefined;
  readonly prefixes: readonly Field[];
  readonly given: readonly Field[];
  readonly family: readonly Field[];
  readonly suffixes: readonly Field[];
  readonly text?: Field | undefined;
}

/** An HL7 instance identifier, or an identifier of a text report in `extension`. */
export interface Identifier {
  readonly root?: Field | undefined;
  readonly extension?: Field | undefined;
}

/** A postal address, or its text where the document does not divide it. */
export interface Address {
  readonly use?: Field | undefined;
  readonly streetLines: readonly Field[];
  readonly city?: Field | undefined;
  readonly state?: Field | undefined;
  readonly postalCode?: Field | undefined;
  readonly country?: Field | undefined;
  readonly text?: Field | undefined;
}

/** A telephone number or an e-mail address. */
export interface Telecom {
  readonly address: Field;
  readonly use?: Field | undefined;
}

/** How a person, a provider or a place can be reached. */
export interface Contact {
  readonly addresses: readonly Address[];
  readonly phones: readonly Telecom[];
  readonly emails: readonly Telecom[];
}

/** A guardian of the patient. */
export interface Guardian extends Contact {
  readonly relation?: Coded | undefined;
  readonly names: readonly PersonName[];
}

/** One language that the patient communicates in. */
export interface Language {
  readonly language: Coded;
  readonly mode?: Coded | undefined;
  readonly proficiency?: Coded | undefined;
  readonly preferred?: Field | undefined;
}

/** Who the document is about. */
export interface Patient extends Contact {
  readonly names: readonly PersonName[];
  readonly birthDate?: Field | undefined;
  readonly gender?: Coded | undefined;
  readonly identifiers: readonly Identifier[];
  readonly maritalStatus?: Coded | undefined;
  readonly religion?: Coded | undefined;
  readonly races: readonly Coded[];
  readonly ethnicities: readonly Coded[];
  readonly languages: readonly Language[];
  readonly birthplace?: Address | undefined;
  readonly guardians: readonly Guardian[];
}

/** An organization that the document names. */
export interface Organization extends Contact {
  readonly identifiers: readonly Identifier[];
  readonly names: readonly Field[];
}

/** Who carried out an encounter. */
export interface Performer extends Contact {
  readonly identifiers: readonly Identifier[];
  readonly names: readonly PersonName[];
  readonly specialty?: Coded | undefined;
  readonly organizations: readonly Organization[];
}

/** Where an encounter took place. */
export interface Location extends Contact {
  readonly identifiers: readonly Identifier[];
  readonly name?: Field | undefined;
  readonly type?: Coded | undefined;
}

/** When something was: a single time stamp is a `point` and is given as `start`. */
export interface Period {
  readonly timing: 'point' | 'interval' | 'not-stated';
  readonly start?: Field | undefined;
  readonly end?: Field | undefined;
}

/** Why an encounter took place. */
export interface Reason extends Period {
  readonly identifiers: readonly Identifier[];
  readonly finding?: Coded | undefined;
}

/** One contact between the patient and a provider. */
export interface Encounter extends Period {
  /** The part of the document that describes this encounter. */
  readonly source: SourceRange;
  readonly identifiers: readonly Identifier[];
  readonly type?: Coded | undefined;
  readonly performers: readonly Performer[];
  readonly locations: readonly Location[];
  readonly reasons: readonly Reason[];
}

/** The formats that the extractor reads. */
export const recordFormats = ['c-cda', 'c32', 'ccd', 'va-blue-button', 'cms-blue-button'] as const;

/** The name of one format. */
export type RecordFormat = (typeof recordFormats)[number];

/** The extractor's result for one document. */
export interface ClinicalRecord {
  readonly spec: 'clinical-record/1';
  readonly format: RecordFormat;
  /** Ties the result to the bytes that it was made from. */
  readonly document: { readonly bytes: number; readonly sha256: string };
  readonly title?: Field | undefined;
  readonly patient: Patient;
  /** `not-present`: the document has no section for encounters. An empty section is an empty list. */
  readonly encounters: 'not-present' | readonly Encounter[];
  /** The encounter during which the document itself was written, from a CDA header. */
  readonly encompassingEncounter?: Encounter | undefined;
}
