import type { CdaDocument } from './cda-document.ts';
import {
  mapPresent,
  readCoded,
  readContact,
  readIdentifiers,
  readNames,
  readPeriod,
} from './cda-parts.ts';
import type { Encounter, Location, Organization, Performer, Reason } from './record.ts';
import type { XmlElement } from './xml-tree.ts';

/** LOINC's code for a history of encounters. */
const sectionCode = '46240-8';

/** Encounter sections: C-CDA (entries optional, required), CCD 1.0, HITSP C83, IHE PCC. */
const sectionTemplates: ReadonlySet<string> = new Set([
  '2.16.840.1.113883.10.20.22.2.22',
  '2.16.840.1.113883.10.20.22.2.22.1',
  '2.16.840.1.113883.10.20.1.3',
  '2.16.840.1.113883.3.88.11.83.127',
  '1.3.6.1.4.1.19376.1.5.3.1.1.5.3.3',
]);

/** The encounters of a CDA document's body, or `not-present` when no section is for them. */
export function readEncounters(document: CdaDocument): 'not-present' | Encounter[] {
  const sections = allSections(document).filter(
    (section) =>
      document.plain(document.child(section, 'code'), 'code') === sectionCode ||
      document.hasTemplate(section, sectionTemplates),
  );
  if (sections.length === 0) return 'not-present';
  return sections
    .flatMap((section) => document.children(section, 'entry'))
    .flatMap((entry) => document.children(entry, 'encounter'))
    .filter((element) => (document.plain(element, 'moodCode') ?? 'EVN') === 'EVN')
    .map((element) => readEncounter(document, element));
}

/** The encounter during which the document was written, from its header. */
export function readEncompassing(document: CdaDocument): Encounter | undefined {
  const element = document.child(document.root, 'componentOf', 'encompassingEncounter');
  if (element === undefined) return undefined;
  const performers = ['responsibleParty', 'encounterParticipant']
    .flatMap((name) => document.children(element, name))
    .flatMap((one) => document.children(one, 'assignedEntity'));
  const facilities = document.children(document.child(element, 'location'), 'healthCareFacility');
  return {
    ...common(document, element),
    performers: performers.map((one) => readPerformer(document, one)),
    locations: facilities.map((facility) => ({
      identifiers: readIdentifiers(document, facility),
      name: document.text(document.child(facility, 'location', 'name')),
      type: readCoded(document, document.child(facility, 'code')),
      ...readContact(document, document.child(facility, 'location')),
    })),
    reasons: [],
  };
}

function allSections(document: CdaDocument): XmlElement[] {
  const bodies = document.children(document.child(document.root, 'component'), 'structuredBody');
  const found: XmlElement[] = [];
  const visit = (owner: XmlElement): void => {
    for (const component of document.children(owner, 'component')) {
      for (const section of document.children(component, 'section')) {
        found.push(section);
        visit(section);
      }
    }
  };
  bodies.forEach(visit);
  return found;
}

function common(
  document: CdaDocument,
  element: XmlElement,
): Omit<Encounter, 'performers' | 'locations' | 'reasons'> {
  return {
    source: document.source.range(element.start, element.end),
    identifiers: readIdentifiers(document, element),
    type: readCoded(document, document.child(element, 'code')),
    ...readPeriod(document, document.child(element, 'effectiveTime')),
  };
}

function readEncounter(document: CdaDocument, element: XmlElement): Encounter {
  const performers = document
    .children(element, 'performer')
    .flatMap((one) => document.children(one, 'assignedEntity'));
  const places = document
    .children(element, 'participant')
    .filter((one) => document.plain(one, 'typeCode') === 'LOC')
    .flatMap((one) => document.children(one, 'participantRole'));
  const indications = document
    .children(element, 'entryRelationship')
    .filter((one) => document.plain(one, 'typeCode') === 'RSON')
    .flatMap((one) => document.children(one, 'observation'));
  return {
    ...common(document, element),
    performers: performers.map((one) => readPerformer(document, one)),
    locations: mapPresent(places, (one) => readLocation(document, one)),
    reasons: mapPresent(indications, (one) => readReason(document, one)),
  };
}

function readPerformer(document: CdaDocument, element: XmlElement): Performer {
  return {
    identifiers: readIdentifiers(document, element),
    names: readNames(
      document,
      document.children(document.child(element, 'assignedPerson'), 'name'),
    ),
    specialty: readCoded(document, document.child(element, 'code')),
    organizations: document
      .children(element, 'representedOrganization')
      .map((one) => readOrganization(document, one)),
    ...readContact(document, element),
  };
}

function readOrganization(document: CdaDocument, element: XmlElement): Organization {
  return {
    identifiers: readIdentifiers(document, element),
    names: mapPresent(document.children(element, 'name'), (one) => document.text(one)),
    ...readContact(document, element),
  };
}

function readLocation(document: CdaDocument, role: XmlElement): Location | undefined {
  const location: Location = {
    identifiers: readIdentifiers(document, role),
    name: document.text(document.child(role, 'playingEntity', 'name')),
    type: readCoded(document, document.child(role, 'code')),
    ...readContact(document, role),
  };
  return hasContent(location) ? location : undefined;
}

function readReason(document: CdaDocument, observation: XmlElement): Reason | undefined {
  const reason: Reason = {
    identifiers: readIdentifiers(document, observation),
    finding: readCoded(document, document.child(observation, 'value')),
    ...readPeriod(document, document.child(observation, 'effectiveTime')),
  };
  return reason.identifiers.length > 0 || reason.finding !== undefined ? reason : undefined;
}

function hasContent(location: Location): boolean {
  return Object.values(location).some((one) =>
    Array.isArray(one) ? one.length > 0 : one !== undefined,
  );
}
