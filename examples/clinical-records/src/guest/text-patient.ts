import type { Address, Coded, Field, Patient, PersonName, Telecom } from './record.ts';

/** A coded value of which a text report gives the name alone. */
export function named(name: Field | undefined): Coded | undefined {
  return name === undefined ? undefined : { name };
}

/** A name that a text report does not divide. */
export function textName(text: Field): PersonName {
  return { prefixes: [], given: [], family: [], suffixes: [], text };
}

/** Telephone numbers or e-mail addresses of a text report. */
export function telecoms(addresses: readonly Field[]): Telecom[] {
  return addresses.map((address) => ({ address }));
}

/** The address as a list, empty when it has no part. */
export function addressList(address: Address): Address[] {
  const { streetLines, ...parts } = address;
  return streetLines.length > 0 || Object.values(parts).some((one) => one !== undefined)
    ? [address]
    : [];
}

/** A patient of whom nothing is known, to be filled in. */
export const emptyPatient: Patient = {
  names: [],
  identifiers: [],
  races: [],
  ethnicities: [],
  languages: [],
  guardians: [],
  addresses: [],
  phones: [],
  emails: [],
};
