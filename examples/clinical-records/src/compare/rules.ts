import type { RecordFormat } from '../guest/record.ts';
import type { Leaf, Leaves } from './leaf.ts';

/** One place where our record and a generated result do not say the same. */
export interface Difference {
  readonly path: string;
  /** Absent: our record has nothing there. */
  readonly ours?: Leaf | undefined;
  /** Absent: the generated result has nothing there. */
  readonly theirs?: Leaf | undefined;
  readonly all: { readonly ours: Leaves; readonly theirs: Leaves };
  readonly format: RecordFormat;
  /** Version of the parser that made the generated result, where it says so. */
  readonly version: string | undefined;
}

/** A reason for differences, and the test that decides whether it is the reason for one. */
export interface Rule {
  readonly id: string;
  readonly reason: string;
  explains(difference: Difference): boolean;
}

/** HL7 version 3 AddressUse and TelecommunicationAddressUse, in the generated results' words. */
const uses: Readonly<Record<string, string>> = {
  HP: 'primary home',
  H: 'home address',
  HV: 'vacation home',
  WP: 'work place',
  MC: 'mobile contact',
};

/** Code systems by object identifier, under the names that the parser's versions replaced names by. */
const systemNames: Readonly<Record<string, readonly string[]>> = {
  '2.16.840.1.113883.5.4': ['ActCode', 'HL7ActCode'],
  '2.16.840.1.113883.6.12': ['CPT'],
  '2.16.840.1.113883.6.96': ['SNOMED CT'],
  '2.16.840.1.113883.6.259': ['HealthcareServiceLocation'],
};

/** Code tables that the parser looks a display name up in when the document gives the code alone. */
const displayNames: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  '2.16.840.1.113883.5.1': { M: 'Male', F: 'Female', UN: 'Undifferentiated' },
};

/** The rules in the order in which they are tried. What none of them explains fails the job. */
export const rules: readonly Rule[] = [
  {
    id: 'utc',
    reason: 'the generated result converts a time with a UTC offset to UTC; it is the same instant',
    explains: ({ path, ours, theirs }) =>
      path.endsWith('.date') &&
      hasZone(ours?.value) &&
      theirs?.value === `${new Date(ours?.value ?? '').toJSON()?.slice(0, 19)}Z`,
  },
  {
    id: 'utc-offset-ignored',
    reason: 'that version of the parser ignores the UTC offset and calls the local time UTC',
    explains: ({ path, ours, theirs, version }) =>
      path.endsWith('.date') &&
      isBefore(version, '1.2.0') &&
      hasZone(ours?.value) &&
      theirs?.value === `${ours?.value.slice(0, 19)}Z`,
  },
  {
    id: 'offset-called-subsecond',
    reason: 'that version of the parser calls a time with a UTC offset precise to the subsecond',
    explains: ({ path, ours, theirs, all, version }) =>
      path.endsWith('.precision') &&
      isBefore(version, '1.1.0') &&
      ours?.value === 'second' &&
      theirs?.value === 'subsecond' &&
      hasZone(all.ours.get(path.replace(/precision$/, 'date'))?.value),
  },
  {
    id: 'time-of-day-dropped',
    reason: 'the generated result drops the time of day of a time stamp without a UTC offset',
    explains: ({ path, all }) => {
      const [, stem] = /^(.*)\.(?:date|precision)$/.exec(path) ?? [];
      const ours = all.ours.get(`${stem}.date`)?.value ?? '';
      const theirs = all.theirs.get(`${stem}.date`)?.value;
      const precision = all.theirs.get(`${stem}.precision`)?.value;
      return precision === 'day' && /^.{10}T[\d:]+$/.test(ours) && theirs === ours.slice(0, 10);
    },
  },
  {
    id: 'use-spelled-out',
    reason: "the generated result spells out HL7's code for the use of an address or number",
    explains: ({ path, ours, theirs }) =>
      /\.(use|type)$/.test(path) &&
      ours !== undefined &&
      theirs !== undefined &&
      uses[ours.value] === theirs.value,
  },
  {
    id: 'code-system-renamed',
    reason:
      "the generated result names a code system by its own table, not in the document's words",
    explains: ({ path, ours, theirs }) =>
      path.endsWith('.code_system_name') &&
      theirs !== undefined &&
      (systemNames[ours?.system ?? '']?.includes(theirs.value) ?? false),
  },
  {
    id: 'display-name-looked-up',
    reason: 'the document gives a code alone; the generated result adds a name from its own table',
    explains: ({ ours, theirs }) =>
      ours?.system !== undefined &&
      theirs !== undefined &&
      displayNames[ours.system]?.[ours.value] === theirs.value,
  },
  {
    id: 'undivided-name-split',
    reason: 'the document does not divide the name; the generated result splits it at its spaces',
    explains: ({ path, all }) => {
      const [, name] = /^(.*)\.(?:text|first|middle\[\d+\]|last)$/.exec(path) ?? [];
      const text = all.ours.get(`${name}.text`)?.value;
      const middle = [...all.theirs.keys()]
        .filter((key) => key.startsWith(`${name}.middle[`))
        .toSorted();
      const parts = [`${name}.first`, ...middle, `${name}.last`].map(
        (key) => all.theirs.get(key)?.value,
      );
      return text !== undefined && text === parts.filter(Boolean).join(' ');
    },
  },
  {
    id: 'assumed-for-cms',
    reason: 'the CMS report does not say so; the parser assumes a home in the United States',
    explains: ({ format, path, ours, theirs }) =>
      format === 'cms-blue-button' &&
      ours === undefined &&
      ((path.endsWith('.country') && theirs?.value === 'United States') ||
        (/\.(use|type)$/.test(path) && theirs?.value === 'primary home')),
  },
  {
    id: 'empty-text',
    reason: 'the generated result has an empty text where the document has nothing',
    explains: ({ ours, theirs }) => ours === undefined && theirs?.value === '',
  },
  {
    id: 'race-and-ethnicity-in-one',
    reason: 'that version of the model has one field for race and ethnicity, which holds the race',
    explains: ({ path, theirs, version }) =>
      path === 'demographics.ethnicity' && theirs === undefined && isBefore(version, '1.2.0'),
  },
  {
    id: 'no-place-in-older-model',
    reason: 'that version of the model has no place for it: the whole result has none',
    explains: ({ path, theirs, all, version }) =>
      theirs === undefined &&
      isBefore(version, '1.1.0') &&
      /\.(performers|findings)\[/.test(path) &&
      ![...all.theirs.keys()].some((key) => shape(key) === shape(path)),
  },
];

function hasZone(time: string | undefined): boolean {
  return time !== undefined && /T.*[+-]\d\d:\d\d$/.test(time);
}

function shape(path: string): string {
  return path.replaceAll(/\[\d+\]/g, '[]');
}

// Results without a version come from before 1.0; a beta of a version comes before it.
function isBefore(version: string | undefined, limit: string): boolean {
  if (version === undefined) return true;
  const [core = '', beta] = version.split('-');
  const order = core.localeCompare(limit, 'en', { numeric: true });
  return order < 0 || (order === 0 && beta !== undefined);
}
