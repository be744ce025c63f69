import type { CdaDocument } from './cda-document.ts';
import {
  mapPresent,
  readAddress,
  readCoded,
  readContact,
  readIdentifiers,
  readNames,
} from './cda-parts.ts';
import type { Coded, Guardian, Language, Patient } from './record.ts';
import { UnreadableDocument } from './source-text.ts';
import type { XmlElement } from './xml-tree.ts';

const extensions = 'urn:hl7-org:sdtc';

/** Who the document is about: its first `recordTarget`. */
export function readPatient(document: CdaDocument): Patient {
  const role = document.child(document.root, 'recordTarget', 'patientRole');
  const person = document.child(role, 'patient');
  if (role === undefined || person === undefined) {
    throw new UnreadableDocument('it names no patient (recordTarget/patientRole/patient)');
  }
  const coded = (name: string): Coded | undefined =>
    readCoded(document, document.child(person, name));
  return {
    names: readNames(document, document.children(person, 'name')),
    birthDate: document.attribute(document.child(person, 'birthTime'), 'value', 'hl7-date'),
    gender: coded('administrativeGenderCode'),
    identifiers: readIdentifiers(document, role),
    maritalStatus: coded('maritalStatusCode'),
    religion: coded('religiousAffiliationCode'),
    races: repeated(document, person, 'raceCode'),
    ethnicities: repeated(document, person, 'ethnicGroupCode'),
    languages: mapPresent(document.children(person, 'languageCommunication'), (one) =>
      readLanguage(document, one),
    ),
    birthplace: readAddress(document, document.child(person, 'birthplace', 'place', 'addr')),
    guardians: document.children(person, 'guardian').map((one) => readGuardian(document, one)),
    ...readContact(document, role),
  };
}

// A second race or ethnic group is in HL7's extension namespace, as CDA itself allows only one.
function repeated(document: CdaDocument, person: XmlElement, name: string): Coded[] {
  const elements = person.children.filter(
    (one) => one.name === name && (one.uri === person.uri || one.uri === extensions),
  );
  return mapPresent(elements, (one) => readCoded(document, one));
}

function readLanguage(document: CdaDocument, element: XmlElement): Language | undefined {
  const language = readCoded(document, document.child(element, 'languageCode'));
  if (language === undefined) return undefined;
  return {
    language,
    mode: readCoded(document, document.child(element, 'modeCode')),
    proficiency: readCoded(document, document.child(element, 'proficiencyLevelCode')),
    preferred: document.attribute(document.child(element, 'preferenceInd'), 'value'),
  };
}

function readGuardian(document: CdaDocument, element: XmlElement): Guardian {
  return {
    relation: readCoded(document, document.child(element, 'code')),
    names: readNames(
      document,
      document.children(document.child(element, 'guardianPerson'), 'name'),
    ),
    ...readContact(document, element),
  };
}
